from __future__ import annotations

from pathlib import Path

import pytest

from memlyze.cli.errors import UsageError
from memlyze.cli.settings import OPTIONS, collect_settings, misspelt_variables, parse_bytes


def test_flags_win_over_environment_over_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.memlyze]\nsample_rate = 0.1\nmax_stack_depth = 11\nmemory_interval_ms = 33\n"
    )
    environment = {"MEMLYZE_SAMPLE_RATE": "0.2", "MEMLYZE_MAX_STACK_DEPTH": "22"}
    chosen = collect_settings({"sample_rate": 0.3}, environment, str(tmp_path))
    assert chosen.tracer == {
        "sample_rate": 0.3,
        "max_stack_depth": 22,
        "memory_interval_ms": 33,
    }


def test_nearest_pyproject_is_taken(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.memlyze]\nsample_rate = 0.1\n")
    inner = tmp_path / "inner"
    (inner / "deep").mkdir(parents=True)
    (inner / "pyproject.toml").write_text("[tool.memlyze]\nsample_rate = 0.2\n")
    assert collect_settings({}, {}, str(inner / "deep")).tracer == {"sample_rate": 0.2}


def test_pyproject_of_others_is_no_concern(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("this is not TOML")
    assert collect_settings({}, {}, str(tmp_path)).tracer == {}


def test_output_file_can_come_from_each_source(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.memlyze]\noutput_file = "c.mlyze"\n')
    assert collect_settings({}, {}, str(tmp_path)).output_file == "c.mlyze"
    environment = {"MEMLYZE_OUTPUT_FILE": "b.mlyze"}
    assert collect_settings({}, environment, str(tmp_path)).output_file == "b.mlyze"
    flags = {"output_file": "a.mlyze"}
    assert collect_settings(flags, environment, str(tmp_path)).output_file == "a.mlyze"


@pytest.mark.parametrize(
    ("flags", "environment", "pyproject", "place"),
    [
        ({"sample_rate": 3.0}, {}, "", "from --sample-rate"),
        ({}, {"MEMLYZE_SAMPLE_RATE": "3"}, "", "environment variable MEMLYZE_SAMPLE_RATE"),
        ({}, {"MEMLYZE_SAMPLE_RATE": "x"}, "", "environment variable MEMLYZE_SAMPLE_RATE"),
        ({}, {}, "sample_rate = 3.0", r"\[tool.memlyze\] in .*pyproject.toml"),
    ],
)
def test_wrong_value_is_named_with_the_place_it_came_from(
    flags: dict[str, float],
    environment: dict[str, str],
    pyproject: str,
    place: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.memlyze]\n{pyproject}\n")
    with pytest.raises(UsageError, match=rf"sample_rate.*\(.*{place}"):
        collect_settings(flags, environment, str(tmp_path))


UNREADABLE = [
    ("sample_rate", "abc", "a number from 0.0 to 1.0"),
    (
        "sample_interval",
        "12X",
        '"adaptive" or a whole number of bytes from 1 to 1099511627776, or with K, M or G',
    ),
    ("sample_interval", "1e999K", '"adaptive" or a whole number of bytes'),
    ("sample_interval", "0K", '"adaptive" or a whole number of bytes'),
    ("max_stack_depth", "1.5", "a whole number of frames from 2 to 4096"),
    ("memory_interval_ms", "", "a whole number of milliseconds from 1 to 10000"),
    ("when_full", "never", '"wait" or "drop"'),
    ("track_gc", "maybe", "true or false"),
    ("seed", "-1", "a whole number from 0"),
]


@pytest.mark.parametrize(("name", "text", "accepted"), UNREADABLE)
def test_text_that_cannot_be_read_is_answered_by_what_is_accepted(
    name: str, text: str, accepted: str, tmp_path: Path
) -> None:
    option = next(option for option in OPTIONS if option.name == name)
    (tmp_path / "pyproject.toml").write_text(f'[tool.memlyze]\n{name} = "{text}"\n')
    for flags, environment, directory, place in (
        ({name: text}, {}, "/", option.flag),
        ({}, {option.variable: text}, "/", option.variable),
        ({}, {}, str(tmp_path), "pyproject.toml"),
    ):
        if not text and environment:
            continue  # a variable that is empty is not set
        with pytest.raises(UsageError) as raised:
            collect_settings(flags, environment, directory)
        message = str(raised.value)
        assert message.startswith(f"{name} must be {accepted}") and place in message


def test_unknown_name_in_pyproject_lists_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.memlyze]\nsample_rat = 0.1\n")
    with pytest.raises(UsageError, match=r"'sample_rat'.*sample_rate"):
        collect_settings({}, {}, str(tmp_path))


def test_broken_pyproject_with_our_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.memlyze\n")
    with pytest.raises(UsageError, match=r"pyproject.toml cannot be read"):
        collect_settings({}, {}, str(tmp_path))


def test_every_option_of_the_recorder_can_be_set() -> None:
    from memlyze.options import TraceOptions

    settable = {option.name for option in OPTIONS} | {"output_file", "force"}
    assert settable == set(TraceOptions.__slots__)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("1", 1), ("4K", 4096), ("1.5M", 1572864), ("1GiB", 1 << 30), ("512kb", 524288)],
)
def test_sizes_may_have_units(text: str, size_bytes: int) -> None:
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "K", "many", "1X", "1.5", "nanM", "infG"])
def test_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("MEMLYZE_SAMPEL_RATE", "MEMLYZE_SAMPLE_RATE"),
        ("MEMLYZE_RATE", "MEMLYZE_SAMPLE_RATE"),
        ("MEMLYZE_OUTPUT", "MEMLYZE_OUTPUT_FILE"),
    ],
)
def test_misspelt_variable_is_told_with_what_was_meant(variable: str, meant: str) -> None:
    (told,) = misspelt_variables({variable: "1", "PATH": "/bin", "MEMLYZE_NATIVE": "0"})
    assert variable in told
    assert f"was {meant} meant?" in told


def test_variables_that_are_something_else_are_left_alone() -> None:
    assert misspelt_variables({"MEMLYZE_RECORD": "", "MEMLYZE_HOME": "/srv", "MEMLYZER": "1"}) == []


def test_sampling_interval_is_bytes_or_goes_by_pace(tmp_path: Path) -> None:
    for text, value in (("adaptive", "adaptive"), ("Adaptive", "adaptive"), ("16K", 16384)):
        settings = collect_settings({"sample_interval": text}, {}, str(tmp_path))
        assert settings.tracer == {"sample_interval": value}
    (tmp_path / "pyproject.toml").write_text('[tool.memlyze]\nsample_interval = "adaptive"\n')
    environment = {"MEMLYZE_SAMPLE_INTERVAL": "8K"}
    assert collect_settings({}, {}, str(tmp_path)).tracer == {"sample_interval": "adaptive"}
    assert collect_settings({}, environment, str(tmp_path)).tracer == {"sample_interval": 8192}
