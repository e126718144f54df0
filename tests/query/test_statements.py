from __future__ import annotations

import pytest

from memlyze.query.statements import only_statement, split_statements


def test_statements_end_at_semicolons() -> None:
    assert split_statements("SELECT 1; SELECT 2;\nSELECT") == (["SELECT 1", "SELECT 2"], "\nSELECT")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';'",
        "SELECT 'it''s; here'",
        'SELECT 1 AS ";"',
        "SELECT 1 -- one; two\n, 2",
        "SELECT /* ; */ 1",
        "SELECT $$;$$",
        "SELECT $tag$ ; $$ ; $tag$",
    ],
)
def test_semicolon_that_ends_nothing_does_not_split(statement: str) -> None:
    assert split_statements(statement + ";") == ([statement], "")
    assert only_statement(statement) == statement


@pytest.mark.parametrize("text", ["", " ;; ", "-- nothing", "SELECT 1; SELECT 2"])
def test_text_without_exactly_one_statement_has_no_only_statement(text: str) -> None:
    assert only_statement(text) is None


def test_comments_around_a_statement_do_not_count() -> None:
    assert only_statement("/* a */ SELECT 1; -- done") is not None
