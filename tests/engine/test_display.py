"""What the display prints of a running stage."""

from toy_plan import toy

from bench.engine.display import PlainDisplay


def test_a_kl_that_only_rounding_has_moved_reads_nought(capsys):
    display, stage = PlainDisplay(every_s=0.0), toy("a")
    display.begin({stage.key: 1.0}, 1)
    display.started(stage)
    display.progressed(stage, {"step": 2, "steps": 8, "kl": -6.8e-07, "gold": 1.2345, "proxy": -0.4567})
    assert capsys.readouterr().out.splitlines()[-1].endswith("a: step 2, kl 0, gold 1.23, proxy -0.457")
