"""The report's CSV tables, column by column: unit, meaning, and when a value is null. `reports.schema` renders them."""
