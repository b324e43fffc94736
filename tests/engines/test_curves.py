from pathlib import Path

from engines.train.curves import write_curves


def test_a_runs_losses_become_a_chart_a_network(tmp_path: Path) -> None:
    rows = [f"locator,{step},{2 / step},{1 / step}" for step in range(1, 200)]
    rows += [f"grader,{step},{3 / step},1" for step in range(1, 20)]
    (tmp_path / "losses.csv").write_text("\n".join(rows) + "\n")
    write_curves(tmp_path / "losses.csv", tmp_path / "curves.html")
    page = (tmp_path / "curves.html").read_text()
    assert page.count("<svg") == 2
    assert page.count("first loss") == page.count("second loss") == 2
    assert f"Losses of {tmp_path.name}" in page
