"""Every page of the console: its path, who may ask for it, and what serves it."""

from typing import Final

from edge.console import accounts, reading, watching
from edge.console.access import ADMINISTRATORS, ANYBODY, READERS, SEE_WORK, VIEWERS, Rule

_CELL = "/slides/{slide:id}/cells/{cell:id}"

RULES: Final = (
    Rule("/", "GET", VIEWERS, watching.overview),
    Rule("/events", "GET", VIEWERS, watching.events),
    Rule("/tasks", "GET", VIEWERS, watching.tasks),
    Rule("/tasks/{task:id}", "GET", VIEWERS, watching.task),
    Rule("/slides/{slide:id}", "GET", VIEWERS, watching.live),
    Rule("/slides/{slide:id}/result", "GET", VIEWERS, watching.result),
    Rule("/slides/{slide:id}/fields/{field:int}", "GET", VIEWERS, watching.field),
    Rule("/slides/{slide:id}/images/{image:id}", "GET", VIEWERS, watching.thumbnail),
    Rule(_CELL, "GET", VIEWERS, watching.cell),
    Rule("/preferences", "POST", ANYBODY, watching.prefer),
    Rule("/worklist", "GET", SEE_WORK, reading.worklist),
    Rule("/agreement", "GET", SEE_WORK, reading.agreement),
    Rule("/cases/{slide:id}", "GET", READERS, reading.case),
    Rule("/cases/{slide:id}/judge", "POST", READERS, reading.judge),
    Rule("/cases/{slide:id}/sign", "POST", READERS, reading.sign),
    Rule("/login", "GET", ANYBODY, accounts.login_page),
    Rule("/login", "POST", ANYBODY, accounts.login),
    Rule("/logout", "POST", ANYBODY, accounts.logout),
    Rule("/first", "GET", ANYBODY, accounts.first_page),
    Rule("/first", "POST", ANYBODY, accounts.first),
    Rule("/account", "GET", VIEWERS, accounts.account),
    Rule("/account/password", "POST", VIEWERS, accounts.password),
    Rule("/account/pin", "POST", VIEWERS, accounts.pin),
    Rule("/account/blind", "POST", READERS, accounts.blind),
    Rule("/people", "GET", ADMINISTRATORS, accounts.people),
    Rule("/people/add", "POST", ADMINISTRATORS, accounts.add),
    Rule("/people/change", "POST", ADMINISTRATORS, accounts.change),
    Rule("/audit", "GET", ADMINISTRATORS, accounts.audit),
)
"""`viewer` holds also who looks from this machine without a login, if the settings let them."""
