"""cases.py: the mails of the demo: from where, as whom, and what is to become of them."""
from typing import NamedTuple


class Case(NamedTuple):
    name: str  # examples/NAME.eml
    client: str
    helo: str
    sender: str
    code: str  # the SMTP reply code to the message
    title: str


CASES = (
    Case("good", "192.0.2.10", "mail.example.com", "clara@example.com", "250",
         "An honest mail: SPF and DKIM pass for the domain in From"),
    Case("forged-reject", "198.51.100.66", "pc.stranger.example", "clara@example.com", "550",
         "A stranger writes as clara@example.com, whose domain says p=reject"),
    Case("forged-quarantine", "198.51.100.66", "pc.stranger.example", "orders@shop.example", "250",
         "A stranger writes as a shop that says p=quarantine: delivered with a tag"),
    Case("mailing-list", "203.0.113.5", "lists.example.org", "garden-bounce@lists.example.org", "250",
         "Clara's mail through a mailing list that answers for itself: tagged, not refused"),
    Case("arc", "203.0.113.25", "out.forwarder.example", "rosa@forwarder.example", "250",
         "Clara's mail altered by a forwarder we trust, who sealed what it had seen (ARC)"),
    Case("eleven-lookups", "192.0.2.99", "out.many.example", "hello@many.example", "550",
         "An honest sender whose SPF record needs eleven lookups"),
    Case("two-from", "198.51.100.66", "pc.stranger.example", "else@stranger.example", "550",
         "Two From fields: which one would the reader see?"),
    Case("dns-down", "198.51.100.70", "mail.down.example", "hello@down.example", "451",
         "The name servers of the sender are down: try again later, no bounce"),
    Case("forged-list", "198.51.100.66", "pc.stranger.example", "nobody@stranger.example", "550",
         "A stranger puts a List-Id on a forged mail: anybody can write one"),
    Case("altered", "203.0.113.77", "gw.stranger.example", "clara@example.com", "250",
         "Really signed by Clara's server, then a gateway wrote a banner into it: tagged"),
)
