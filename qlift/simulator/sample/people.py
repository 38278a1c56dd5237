"""The people of the sample site. The simulated tenant knows the same people, but for those who left."""

from __future__ import annotations

import random
from dataclasses import dataclass

from qlift.simulator.sample.options import SampleOptions

COMPANY = "ACME"
PARTNERS = "PARTNER"
MAIL_DOMAIN = "acme.example"
SITE_ADMIN = f"{COMPANY}\\qlik.admin"
"""Login of a person with the role RootAdmin."""

FEWEST = 10
"""The rules and owners of the sample need this many people."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Anna Bruno Clara David Elena Farid Greta Hugo Ines Jonas Katrin Leon Mara Nils Olga Paul Quentin Rosa "
    "Stefan Tilda Umar Vera Walter Xenia Yusuf Zoe Aisha Björn Carmen Dimitri Emma Fiona Gustav Hana Ivan "
    "Jing Kofi Lucía Marek Nadia"
)
_LAST = _words(
    "Berg Costa Dahl Eriksen Fischer Garcia Hansen Ivanova Jensen Kowalski Lindqvist Meyer Novak Okafor "
    "Petrov Quist Rossi Schmidt Tanaka Ulrich Varga Weber Xu Young Zimmermann Almeida Brandt Chen Duarte "
    "Engel Fontaine Gruber Horvat Ito Keller Laurent Moreau Nguyen Olsen Pereira"
)
_GROUPS = ("BI-Finance-Readers", "BI-Sales-Readers", "BI-Supply-Readers", "BI-Publishers")


@dataclass(frozen=True)
class Person:
    directory: str
    user_id: str
    name: str
    email: str | None
    groups: tuple[str, ...]
    roles: tuple[str, ...] = ()
    left: bool = False
    """Left the company: inactive on the site, unknown to the tenant."""

    @property
    def login(self) -> str:
        return f"{self.directory}\\{self.user_id}"


def group_names(options: SampleOptions) -> tuple[str, ...]:
    extra = tuple(f"BI-Team-{number:02}" for number in range(len(_GROUPS) + 1, options.groups + 1))
    return (_GROUPS + extra)[: max(1, options.groups)]


def people(options: SampleOptions) -> tuple[Person, ...]:
    """Everybody but the service accounts. The first ten have fixed parts:

    0 administrator, 1 2 3 4 developers of finance, sales, HR and supply chain, 5 left, 6 ContentAdmin,
    7 a partner without e-mail, 8 and 9 readers. Raises ValueError for fewer than ten.
    """
    if options.users < FEWEST:
        raise ValueError(f"the sample site needs at least {FEWEST} users, not {options.users}")
    chance = random.Random(f"people {options.seed}")
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    chance.shuffle(names)
    groups = group_names(options)
    finance, sales, supply, publishers = (groups[number % len(groups)] for number in range(4))
    fixed: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
        ((), ("RootAdmin",)),
        ((finance, publishers), ()),
        ((sales, publishers), ()),
        ((), ()),
        ((supply, publishers), ()),
        ((finance,), ()),
        ((), ("ContentAdmin",)),
        ((sales,), ()),
    )
    readers = [group for group in groups if group != publishers] or list(groups)
    found: list[Person] = []
    for number in range(options.users):
        name = names[number % len(names)]
        user_id = _user_id(name, number // len(names))
        mine, roles = fixed[number] if number < len(fixed) else ((readers[number % len(readers)],), ())
        if number >= FEWEST and number % 7 == 0:
            mine = (*mine, readers[(number // 7) % len(readers)])
        if number >= FEWEST and options.groups_of_user:
            mine = tuple(sorted(chance.sample(groups, min(options.groups_of_user, len(groups)))))
        partner = number == 7 or (number >= FEWEST and number % 12 == 0)
        directory = PARTNERS if partner else COMPANY
        if number == 0:
            name, user_id = "Qlik Administrator", "qlik.admin"
        email = None if number == 7 else f"{user_id}@{'partner.example' if partner else MAIL_DOMAIN}"
        found.append(
            Person(directory, user_id, name, email, tuple(dict.fromkeys(mine)), roles, left=number == 5)
        )
    return tuple(found)


def _user_id(name: str, round_: int) -> str:
    plain = name.lower().replace("ö", "o").replace("í", "i").replace(" ", ".")
    return plain if round_ == 0 else f"{plain}{round_ + 1}"
