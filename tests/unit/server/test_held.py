"""What was admitted, in the order in which a floor is looked for (SPEC FL-2)."""

from sqlalchemy import select

from sealring_server.held import Held
from sealring_server.schema import statements
from tests.unit.server.conftest import Shop
from tests.world import sign


def test_the_history_of_a_subject_is_whole_and_the_highest_comes_first(shop: Shop) -> None:
    """FL-2: also where one version came twice, the second time with one more signature."""
    world, by = shop.world, shop.world.brand_keys("acme")
    shop.first()
    for sequence, keys in ((2, by[:2]), (3, by[:2]), (3, by), (4, by[:2]), (4, by)):
        shop.publish([sign(world.revocations(sequence=sequence), *keys)])
    with shop.here.database.reading() as connection:
        held = Held(connection)
        for kind, subject in (("revocations", "acme/acme"), ("brand", "acme"), ("release", "nobody/a/latest/stable")):
            of = (statements.c.type == kind, statements.c.subject == subject)
            newest = (statements.c.sequence.desc(), statements.c.entry.desc())
            assert list(held.history(kind, subject)) == list(
                connection.scalars(select(statements.c.raw).where(*of).order_by(*newest))
            )
        assert len(list(held.history("revocations", "acme/acme"))) >= 5
