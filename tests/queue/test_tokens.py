"""Tokens and the audit log."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.contracts.entry import Role
from service.contracts.errors import UserError
from service.queue import tables as db
from service.queue.audit import Audit
from service.queue.tokens import Tokens


@pytest.fixture
def tokens(queue):
    return Tokens(queue.database)


def test_a_token_says_who_and_what(tokens):
    assert tokens.is_empty()
    text, row = tokens.add("ada", Role.SUBMITTER)
    assert (row.user, row.role) == ("ada", Role.SUBMITTER)
    found = tokens.check(text)
    assert (found.id, found.user, found.role) == (row.id, "ada", Role.SUBMITTER)
    assert tokens.all()[0].used is not None
    assert not tokens.is_empty()


def test_wrong_tokens_are_nobody(tokens):
    text, _ = tokens.add("ada", Role.ADMIN)
    for wrong in ("", "adu_", text[:-1], text + "x", text.swapcase(), "adu_" + "x" * 43):
        assert tokens.check(wrong) is None


def test_expired_and_revoked_tokens_are_nobody(tokens):
    late, _ = tokens.add("ada", Role.ADMIN, timedelta(seconds=-1))
    assert tokens.check(late) is None
    soon, _ = tokens.add("ada", Role.ADMIN, timedelta(hours=1))
    assert tokens.check(soon) is not None
    text, row = tokens.add("bob", Role.VIEWER)
    assert [one.id for one in tokens.revoke(str(row.id))] == [row.id]
    assert tokens.check(text) is None
    with pytest.raises(UserError):
        tokens.revoke(str(row.id))
    assert len(tokens.revoke("ada")) == 2
    assert tokens.check(soon) is None


def test_the_database_does_not_hold_the_text(tokens):
    text, row = tokens.add("ada", Role.ADMIN)
    with tokens._database.reading() as connection:
        kept = connection.execute(sa.select(db.token)).one()
    assert text not in map(str, kept)
    assert row.prefix == text[: len(row.prefix)]
    assert len(row.prefix) < len(text) / 3


def test_the_bootstrap_token_is_made_once(tokens):
    tokens.ensure("s" * 40, "admin", Role.ADMIN)
    tokens.ensure("s" * 40, "admin", Role.ADMIN)
    assert len(tokens.all()) == 1
    assert tokens.check("s" * 40).role is Role.ADMIN
    with pytest.raises(UserError, match="32 characters"):
        tokens.ensure("short", "admin", Role.ADMIN)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a" * 100, "-x", "ä"])
def test_names_are_plain(tokens, name):
    with pytest.raises(UserError):
        tokens.add(name, Role.VIEWER)


def test_roles_include_those_below():
    assert Role.ADMIN.includes(Role.VIEWER)
    assert Role.SUBMITTER.includes(Role.SUBMITTER)
    assert not Role.VIEWER.includes(Role.SUBMITTER)


def test_the_audit_log_only_grows(queue):
    audit = Audit(queue.database)
    audit.add("ada", "submit", "x1", {"priority": 2})
    audit.add("bob", "cancel", "x1")
    newest, oldest = audit.page()
    assert (newest.who, newest.action, newest.detail) == ("bob", "cancel", {})
    assert oldest.detail == {"priority": 2}
    assert audit.page(before=newest.id) == [oldest]
