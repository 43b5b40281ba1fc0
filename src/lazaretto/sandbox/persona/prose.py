"""Sentences of office life: dull on purpose, varied enough that no two documents are alike."""

from __future__ import annotations

import random

from lazaretto.sandbox.persona.person import Person

_OPEN = (
    "Following our meeting on {day}, I have put together the main points regarding {topic}.",
    "Please find below the current state of {topic}.",
    "This note covers {topic} for the {quarter} quarter and what we agreed with {customer}.",
    "{colleague} asked for a short summary of {topic} before the review on {day}.",
)
_BODY = (
    "The figures for {customer} are {number} percent above what we had planned, mostly because of {reason}.",
    "{colleague} will send the revised offer by {day}; until then the old conditions remain valid.",
    "We still need an answer on {topic}, otherwise the delivery moves to week {week}.",
    "The invoice over {amount} EUR was approved, the remaining {number} items are still open.",
    "There were {number} complaints last month, down from {amount}, and {reason} was named most often.",
    "Storage costs rose again; {colleague} suggests to renegotiate the contract with {customer}.",
    "The new process saves about {number} minutes for each order, which we should measure again in {quarter} quarter.",
    "Travel for the visit in {town} is booked, the costs of {amount} EUR go to cost centre {cost}.",
    "Training for the new system is planned for {day}, please let {colleague} know if you cannot attend.",
    "As discussed, we do not extend the agreement before {reason} has been settled.",
)
_CLOSE = (
    "Please let me know by {day} if something is missing.",
    "Next review: {day}, room {room}.",
    "Open points are to be sent to {colleague}.",
    "I will update this document after the call with {customer}.",
)
TOPICS = (
    "the framework agreement", "travel expenses", "the annual budget", "supplier ratings", "the warehouse move",
    "the price list", "customer returns", "the audit", "staff planning", "the insurance renewal", "open invoices",
    "the trade fair", "packaging costs", "the new phone contract", "holiday planning", "the quality report",
)  # fmt: skip
_REASON = ("late deliveries", "higher freight rates", "the exchange rate", "missing documents", "seasonal demand",
           "a change of supplier", "the strike in the port", "a wrong address in the system")  # fmt: skip
_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def fill(template: str, person: Person, rng: random.Random, topic: str) -> str:
    """The template with every blank filled."""
    return template.format(
        topic=topic,
        day=rng.choice(_DAY),
        quarter=rng.choice(("first", "second", "third", "fourth")),
        customer=rng.choice(person.customers),
        colleague=rng.choice(person.colleagues),
        reason=rng.choice(_REASON),
        number=rng.randrange(3, 48),
        week=rng.randrange(2, 52),
        amount=f"{rng.randrange(200, 9800):,}",
        town=person.town,
        cost=rng.randrange(1000, 9999),
        room=f"{rng.randrange(1, 5)}.{rng.randrange(1, 30):02d}",
    )


def paragraphs(person: Person, rng: random.Random, topic: str, count: int) -> list[str]:
    """`count` paragraphs of a few sentences each, with an opening and a closing one."""
    texts = [rng.choice(_OPEN)]
    texts += [" ".join(rng.sample(_BODY, rng.randrange(2, 6))) for _ in range(max(count - 2, 1))]
    texts.append(rng.choice(_CLOSE))
    return [fill(text, person, rng, topic) for text in texts]


def table(person: Person, rng: random.Random, rows: int) -> list[list[str | int | float]]:
    """Orders: a header and `rows` rows of number, customer, contact, amount, quantity, state."""
    head: list[str | int | float] = ["Order", "Customer", "Contact", "Amount EUR", "Quantity", "State"]
    states = ("open", "paid", "delivered", "reminder sent", "cancelled")
    return [head] + [
        [
            40000 + rng.randrange(9999),
            rng.choice(person.customers),
            rng.choice(person.colleagues),
            round(rng.uniform(40, 12000), 2),
            rng.randrange(1, 400),
            rng.choice(states),
        ]
        for _ in range(rows)
    ]
