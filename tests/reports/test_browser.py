"""The page in a real headless browser: no network, every click does what it says, hostile text is inert."""

import json
import os
import shutil
from contextlib import suppress

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def launched(playwright):
    """A browser; without one the tests are skipped, in continuous integration they fail."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        refusal = f"no browser: none of {', '.join(BROWSERS)} is on the path (apt-get install chromium)"
        (pytest.fail if os.environ.get("CI", "") in ("1", "true") else pytest.skip)(refusal)
    return playwright.chromium.launch(executable_path=path)


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        refusal = "playwright is not installed: pip install 'goldbench[test]'"
        (pytest.fail if os.environ.get("CI", "") in ("1", "true") else pytest.skip)(refusal)
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def visits(browser):
    """Pages opened at a size and in a theme, with what they logged and asked for."""

    def visit(path, width=1440, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.heard, page.asked = [], []
        page.on("console", lambda message: page.heard.append(message.text))
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("dialog", lambda dialog: (page.heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".plot .scatterlayer")
        return page

    return visit


@pytest.fixture
def page(visits, built):
    opened = visits(built / "report.html")
    yield opened
    assert opened.heard == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    opened.context.close()


def cards(page):
    return page.locator("#drawer .sample")


def opened_at(page, row_id):
    page.evaluate("id => Drawer.open(id)", row_id)
    cards(page).first.wait_for()


def last_point(page):
    """Where the first panel's last line ends on the screen, and the index of the row that it ends with."""
    return page.evaluate(
        """() => {
            const element = document.querySelector(".plot"), full = element._fullLayout;
            const data = element.data.filter((t) => t.meta.rows).at(-1);
            const k = data.x.length - 1, box = element.getBoundingClientRect();
            return {
                x: box.x + full.xaxis._offset + full.xaxis.d2p(data.x[k]),
                y: box.y + full.yaxis._offset + full.yaxis.d2p(data.y[k]), row: data.meta.rows[k],
            };
        }"""
    )


def test_a_clicked_point_shows_that_policys_texts_beside_pi_refs(page, built):
    place = last_point(page)
    page.mouse.move(place["x"], place["y"])
    page.wait_for_selector(".hovertext")
    hovered = page.locator(".hovertext").text_content()
    assert "PPO" in hovered
    assert "±" in hovered
    page.mouse.click(place["x"], place["y"])
    cards(page).first.wait_for()
    row = page.evaluate("i => Page.rows.ids[i]", place["row"])
    assert page.evaluate("location.hash") == "#row=" + row.replace("@", "%40")
    assert cards(page).count() == 32
    first = cards(page).first
    assert "π" in first.locator(".side").nth(1).locator("h4").text_content()
    assert first.locator(".response").count() >= 2


def test_samples_sort_and_search(page, built):
    opened_at(page, "ppo-b0-r0@140")

    def numbers(place):
        shown = page.locator(f"#drawer .pair .side:first-child .scores span:nth-child({place}) b").all_text_contents()
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in shown]

    page.locator("#drawer [data-part=sort]").select_option("gold")
    gold = numbers(1)
    assert gold == sorted(gold)
    assert len(set(gold)) > 5
    page.locator("#drawer [data-part=sort]").select_option("proxy")
    proxy = numbers(2)
    assert proxy == sorted(proxy, reverse=True)
    page.locator("#drawer [data-part=search]").fill("boss 7 ")
    found = cards(page).locator(".prompt").all_text_contents()
    assert 0 < len(found) < 32
    assert all("boss 7 " in prompt for prompt in found)
    page.locator("#drawer [data-part=search]").fill("nobody wrote this")
    assert cards(page).count() == 0


def test_the_drawer_says_how_the_text_changed_and_marks_it(page):
    opened_at(page, "ppo-b0-r0@140")
    grams = page.locator("#drawer .grams tbody th").all_text_contents()
    assert any("thanks again" in gram or "kindly" in gram for gram in grams)
    assert cards(page).locator("mark").count() > 0
    opened_at(page, "ppo-b0-r0@0")
    page.wait_for_selector("#drawer :text('much more often')")


def test_the_keyboard_walks_along_the_cell_and_closes(page):
    opened_at(page, "ppo-b0-r0@130")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash === '#row=ppo-b0-r0%40140'")
    page.keyboard.press("Escape")
    assert page.locator("#drawer").is_hidden()


def test_a_number_in_a_table_leads_to_its_row(page):
    link = page.locator("#table-peaks tbody a").first
    row = link.get_attribute("href").removeprefix("#row=").replace("%40", "@")
    link.click()
    cards(page).first.wait_for()
    assert page.evaluate("id => Page.place.has(id)", row)
    assert page.locator("#drawer dl dt").get_by_text("kl_se", exact=True).count() == 1


def test_the_legend_switches_a_method_in_every_figure(page):
    def shown():
        return page.evaluate(
            """() => {
                const visible = (e) => !e.closest(".panel").hidden;
                const plots = [...document.querySelectorAll(".plot")];
                return plots.flatMap((e) => (e.data ?? []).filter((t) => visible(e) && t.visible !== false)
                    .map((t) => [e.dataset.figure, t.meta.method]));
            }"""
        )

    def drawn_everywhere():
        for plot in page.locator(".plot").all():
            with suppress(Exception):
                plot.scroll_into_view_if_needed(timeout=500)
            page.wait_for_timeout(60)
        page.evaluate("scrollTo(0, 0)")

    drawn_everywhere()
    figures = {figure for figure, method in shown() if method == "dpo"}
    assert {"hero", "frontier", "coefficients", "tokens", "parts", "training"} <= figures
    button = page.locator(".switches button[data-method=dpo]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    drawn_everywhere()
    assert not [figure for figure, method in shown() if method == "dpo"]
    assert [figure for figure, method in shown() if method == "ppo"]
    button.click()
    drawn_everywhere()
    assert {figure for figure, method in shown() if method == "dpo"} == figures


def test_dark_and_light(visits, built):
    page = visits(built / "report.html", scheme="dark")
    ink = "() => getComputedStyle(document.body).backgroundColor"
    line = "() => document.querySelector('.plot').data.find((t) => t.meta.rows).line.color"
    assert page.evaluate(ink) == "rgb(21, 23, 26)"
    before = page.evaluate(line)
    page.locator("#theme").click()
    assert page.evaluate(ink) == "rgb(253, 253, 251)"
    assert page.evaluate(line) != before
    assert page.heard == []
    page.context.close()


def test_a_phone_shows_it_without_scrolling_sideways(visits, built):
    page = visits(built / "report.html", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    opened_at(page, "ppo-b0-r0@140")
    assert page.locator("#drawer").bounding_box()["width"] <= 390
    page.context.close()


def test_hostile_text_shows_as_text_and_does_nothing(page):
    opened_at(page, "ppo-b0-r0@140")
    page.locator("#drawer [data-part=search]").fill("onerror")
    assert cards(page).count() > 0
    card = cards(page).first
    assert "note to boss" in card.locator(".prompt").text_content()
    assert "<script>alert(1)</script>" in card.locator(".prompt").text_content()
    assert "dear boss </script><img src=x onerror=alert(2)> & more" in card.locator(".response").first.text_content()
    assert page.locator("main img[src=x], aside img").count() == 0
    assert page.evaluate("document.querySelectorAll('aside script').length") == 0


def test_files_are_saved_from_the_page_alone(page, built):
    for button, name in (
        ("[data-csv='tables/peaks.csv']", "tables/peaks.csv"),
        ("[data-png=hero]", "figures/hero.png"),
    ):
        with page.expect_download() as download:
            page.locator(button).first.click()
        with open(download.value.path(), "rb") as saved:
            assert saved.read() == (built / name).read_bytes()


def test_a_hostile_suite_is_text_on_a_page_of_several_runs(visits, compared):
    page = visits(compared)
    assert page.heard == []
    shown = page.evaluate("() => document.querySelector('.plot').data.filter((t) => t.meta.rows).length")
    assert shown > 0
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(Page.rows.columns))")).count("run") == 1
    page.context.close()
