"""What the docs tell people to type works: tutorials, subscribers, the container's commands."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import yaml

from visrftwin_ros.cli import _parser, main
from visrftwin_ros.site.loading import load_site

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.md", *sorted(DOCS.glob("*.md"))]
STAND_IN = r"""
// Takes the place of rclcpp, which is not among the wheels: one message is heard, and what is logged is printed.
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#define RCLCPP_INFO(logger, ...) (std::printf(__VA_ARGS__), std::printf("\n"), (void)(logger))
namespace rclcpp {
inline void init(int, char **) {}
struct Node {
  explicit Node(const std::string &) {}
  int get_logger() { return 0; }
  template <class Message, class Callback>
  std::shared_ptr<void> create_subscription(const std::string & topic, int, Callback heard) {
    Message message;
    for (bool stale : {false, true}) {
      auto & link = message.channels.emplace_back();
      link.tx = topic;
      link.rx = "cart";
      link.shadow_loss_db = 12.5;
      link.stale = stale;
    }
    heard(message);
    return nullptr;
  }
};
inline void spin(std::shared_ptr<Node>) {}
}  // namespace rclcpp
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_subscriber_in_python_runs() -> None:
    """For a moment, as a process of its own."""
    (code,) = blocks(DOCS / "subscribe.md", "python")
    started = code.replace("rclpy.spin(Listener())", "rclpy.spin_once(Listener(), timeout_sec=0.2)")
    assert started != code
    run_python(started)


def test_the_subscriber_in_cpp_compiles_against_the_messages(tmp_path: Path) -> None:
    """With a stand-in for rclcpp itself; links that are not stale are told, as in Python."""
    (code,) = blocks(DOCS / "subscribe.md", "cpp")
    (tmp_path / "rclcpp").mkdir()
    (tmp_path / "rclcpp" / "rclcpp.hpp").write_text(STAND_IN)
    (tmp_path / "listener.cpp").write_text(code)
    include = Path(sysconfig.get_path("data")) / "include"
    folders = [tmp_path, *(folder for folder in include.iterdir() if folder.is_dir())]
    compiler = shutil.which("g++")
    if compiler is None or not (include / "visrftwin_ros").is_dir():
        pytest.skip("no g++, or messages of another installation than `make setup`'s")
    binary = tmp_path / "listener"
    done = subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Werror", "-O0", *(f"-isystem{f}" for f in folders)]
        + [str(tmp_path / "listener.cpp"), "-o", str(binary)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = subprocess.run([binary], capture_output=True, text=True, timeout=10).stdout
    assert said == "channels to cart: people take 12.5 dB\n"


def test_the_rule_of_the_nav2_robot_gives_what_its_page_says() -> None:
    (code,) = blocks(DOCS / "nav2.md", "python")
    told = [float(number) for number in re.findall(r"\)\)  # (\d+):", code)]
    said = run_python(code, PYTHONPATH=str(CHECKOUT / "examples" / "nav2_link_speed"))
    assert [float(line) for line in said.split()] == pytest.approx(told)


def test_the_way_to_a_place_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its answers, its points and its commands, but those that go on for ever (`console`)."""
    page = DOCS / "start.md"
    text = page.read_text()
    monkeypatch.chdir(tmp_path)
    answers = []
    for _, answer in re.findall(r"^\| [\d, ]+ \| ([^|]*) \| (.*) \|$", text, re.MULTILINE):
        typed = re.match(r"`([^`]*)`", answer)
        answers += [typed[1]] if typed else [""] * answer.count("*Enter*")
    assert len(answers) == 10
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in answers)))
    (pairs,) = blocks(page, "text")
    (tmp_path / "pairs.csv").write_text(pairs)
    commands = [line for block in blocks(page, "bash") for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "visrftwin"
        assert main(arguments) == 0, command
    assert (tmp_path / "plan.png").stat().st_size > 1000
    said = capsys.readouterr().out
    residual = re.search(r"residual ([\d.]+) px rms over 6 pairs", said)
    assert residual and float(residual[1]) < 1
    # The pose as printed replaces the guess, as the page says, and is a few degrees off it.
    site = tmp_path / "my_room" / "site.yaml"
    content = yaml.safe_load(site.read_text())
    guess = np.array(content["cameras"][0]["rvec"])
    content["cameras"][0] |= {
        name: yaml.safe_load(found[1])
        for name in ("rvec", "t")
        if (found := re.search(rf"^{name}: (.*)$", said, re.MULTILINE))
    }
    site.write_text(yaml.safe_dump(content))
    turned = np.degrees(np.linalg.norm(np.array(load_site("my_room").camera().rvec) - guess))
    assert 0.5 < turned < 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_is_one(page: Path) -> None:
    """Its sub-command and options, where no word is left to the reader."""
    typed = [
        *("\n".join(blocks(page, "(?:bash|console)")).replace("\\\n", " ").splitlines()),
        *re.findall(r"^    (\S.*)$", page.read_text().replace("\\\n", " "), re.MULTILINE),
    ]
    for line in typed:
        found = re.match(r"(?:\$ )?(?:\.venv/bin/)?visrftwin (.*)", line.strip())
        if found is None or "..." in found[1]:
            continue
        words = re.sub(r"\[[^]]*\]", "", found[1]).split("   #")[0]
        try:
            _parser().parse_args(shlex.split(words, comments=True))
        except SystemExit as ended:
            assert ended.code == 0, f"{page.name}: {line}"


def test_the_container_is_made_and_runs_by_the_commands_of_the_readme() -> None:
    lines = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert steps[0] == ["FROM", "debian:12"]
    by_word: dict[str, list[str]] = {}
    for word, rest in steps:
        by_word.setdefault(word, []).append(rest)
    readme = (CHECKOUT / "README.md").read_text()
    assert "Debian 12" in readme
    demo, test = re.findall(r"^(make \w+)  +#", readme.split("## Two commands")[1], re.MULTILINE)[
        :2
    ]
    assert by_word["CMD"] == [str(demo.split()).replace("'", '"')]
    goals = re.findall(r"^(\w+):.*", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    made = [step.split()[1] for step in by_word["RUN"] if step.startswith("make ")]
    assert made == ["setup"] and {"setup", demo.split()[1], test.split()[1]} <= set(goals)
    (system,) = (step for step in by_word["RUN"] if "apt-get install" in step)
    assert {"make", "python3", "ca-certificates"} <= set(system.split())
    # The page runs both of them.
    ran = next(b for b in blocks(DOCS / "container.md", "console") if "docker build" in b)
    assert re.search(r"docker run .* visrftwin$", ran, re.MULTILINE)
    assert re.search(rf"docker run .* visrftwin {test}$", ran, re.MULTILINE)
    folder = by_word["WORKDIR"][0]
    assert f":{folder}/out" in ran


def test_what_git_ignores_stays_out_of_the_image() -> None:
    kept_out = (CHECKOUT / ".dockerignore").read_text().split()
    for line in (CHECKOUT / ".gitignore").read_text().split():
        name = line.strip("/")
        assert name in kept_out or f"**/{name}" in kept_out, line
    assert ".git" in kept_out
