"""Scans: whoever only wants to see the offers there are, and those to come, without any demand."""

from collections.abc import Sequence
from datetime import timedelta

import anyio

from golem_vpn import moments
from golem_vpn.bells import Bells
from golem_vpn.errors import Forbidden, NotFound, Overloaded
from golem_vpn.market import constraints as constraint_language
from golem_vpn.market.ids import new_key
from golem_vpn.market.ports import Board
from golem_vpn.market.signed_offer import Offer
from golem_vpn.market.waiting import until

MAX_SCANS = 1000
MAX_IDLE = timedelta(hours=1)


class _Scan:
    def __init__(self, identity: str, constraints: str, idle: timedelta) -> None:
        self.identity = identity
        self.expression = constraint_language.parse(constraints)
        self.idle = idle
        self.unseen: dict[str, None] = {}
        self.last_asked = moments.now()

    @property
    def is_idle(self) -> bool:
        return moments.now() - self.last_asked > self.idle


class Scans:
    """Shows the offers of the board to whoever asks; a scan ends with the daemon."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._scans: dict[str, _Scan] = {}
        self._bells: Bells[str] = Bells()
        board.on_change(self._take_changes)

    def begin(self, identity: str, constraints: str, idle_seconds: float) -> str:
        """Begins a scan, and gives its id.

        Raises:
            InvalidInput: the constraints are malformed.
            Overloaded: there are too many scans.
        """
        self.remove_idle()
        if len(self._scans) >= MAX_SCANS:
            raise Overloaded(f"this daemon runs {MAX_SCANS} scans at most")
        self._board.follow()
        scan = _Scan(identity, constraints, min(timedelta(seconds=idle_seconds), MAX_IDLE))
        self._show(scan, list(self._board.offers.values()))
        scan_id = new_key()
        self._scans[scan_id] = scan
        return scan_id

    async def events(
        self, identity: str, scan_id: str, timeout: float, max_events: int, peer_id: str | None = None
    ) -> list[Offer]:
        """Gives the next offers that fit, once there are some or the time is over; with a peer, its offers only.

        Raises:
            NotFound: there is no such scan, or not any more.
            Forbidden: it is another identity's.
        """

        async def look() -> list[Offer]:
            await anyio.lowlevel.checkpoint()
            scan = self._own(identity, scan_id)
            # Waiting is no idleness.
            scan.last_asked = moments.now() + timedelta(seconds=timeout)
            return self._take(scan, max_events, peer_id)

        return await until(look, lambda: self._bells.listen(scan_id), timeout) or []

    def check(self, identity: str, scan_id: str) -> None:
        """Makes sure that there is a scan.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        self._own(identity, scan_id)

    def end(self, identity: str, scan_id: str) -> None:
        """Ends a scan; whoever waits for its offers hears that it is gone.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        self._own(identity, scan_id)
        del self._scans[scan_id]
        self._bells.ring(scan_id)

    def remove_idle(self) -> None:
        """Ends the scans that nobody asks any more."""
        for scan_id in [scan_id for scan_id, scan in self._scans.items() if scan.is_idle]:
            del self._scans[scan_id]
            self._bells.ring(scan_id)

    def _own(self, identity: str, scan_id: str) -> _Scan:
        scan = self._scans.get(scan_id)
        if scan is None:
            raise NotFound(f"there is no scan {scan_id}")
        if scan.identity != identity:
            raise Forbidden("the scan is another identity's")
        return scan

    def _take(self, scan: _Scan, max_events: int, peer_id: str | None) -> list[Offer]:
        offers: list[Offer] = []
        for offer_id in tuple(scan.unseen):
            offer = self._board.offers.get(offer_id)
            if offer is not None and peer_id not in {None, offer.provider_id}:
                continue
            del scan.unseen[offer_id]
            if offer is not None:
                offers.append(offer)
            if len(offers) == max_events:
                break
        return offers

    def _take_changes(self, added: Sequence[Offer], removed: Sequence[str]) -> None:
        for scan_id, scan in self._scans.items():
            for offer_id in removed:
                scan.unseen.pop(offer_id, None)
            if self._show(scan, added):
                self._bells.ring(scan_id)

    @staticmethod
    def _show(scan: _Scan, offers: Sequence[Offer]) -> bool:
        fitting = [offer.id for offer in offers if scan.expression.matches(offer.properties)]
        scan.unseen.update(dict.fromkeys(fitting))
        return bool(fitting)
