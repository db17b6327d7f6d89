"""Files by URL, whatever its scheme: `gftp`, `http`, `https` or `file`."""

from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.files import local, web
from golem_vpn.files.chunks import Progress, unheard
from golem_vpn.files.courier import Courier
from golem_vpn.files.gftp import Gftp
from golem_vpn.net.control import Control

SCHEMES = ("gftp", "http", "https", "file")


class Fetcher:
    """Brings files here, and takes them elsewhere."""

    def __init__(self, control: Control, courier: Courier | None = None, *, allow_local_urls: bool = False) -> None:
        self._control = control
        self._gftp = Gftp(courier or Courier(control))
        self._allow_local_urls = allow_local_urls

    async def download(
        self,
        url: str,
        target: Path,
        on_progress: Progress = unheard,
        *,
        requestor: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Fetches a file to a place of this machine, which is whole then or as it was before.

        Args:
            url: What to fetch.
            target: Where to put it; what is there is replaced.
            on_progress: Hears how far it is.
            requestor: The identity that wants it; for another node's, this machine and its network aren't asked.
            limit: How many bytes the file may have.

        Raises:
            InvalidInput: the URL is none, the file is too large, or the target cannot be written.
            NotFound: there is no such file.
            PeerUnreachable: the node that has it stays away.
            TransferFailed: it did not come through.
            Forbidden: it is in this machine's network.
        """
        match _scheme(url):
            case "gftp":
                await self._gftp.download(url, target, on_progress, limit)
            case "file":
                await local.copy(local.path_of(url), target, on_progress, limit)
            case _:
                await web.download(url, target, on_progress, limit, public_only=self._public_only(requestor))

    async def upload(
        self, source: Path, url: str, on_progress: Progress = unheard, *, requestor: str | None = None
    ) -> None:
        """Takes a file of this machine to where a URL points.

        Raises:
            InvalidInput: the URL is none, or the target cannot be written.
            NotFound: nobody waits for a file there, or there is no such source.
            PeerUnreachable: the node that waits for it stays away.
            TransferFailed: it did not go through.
            Forbidden: it is in this machine's network.
        """
        match _scheme(url):
            case "gftp":
                await self._gftp.upload(source, url, on_progress)
            case "file":
                await local.copy(source, local.path_of(url), on_progress)
            case _:
                await web.upload(source, url, on_progress, public_only=self._public_only(requestor))

    def _public_only(self, requestor: str | None) -> bool:
        return not (self._allow_local_urls or requestor is None or requestor in self._control.identities)


def _scheme(url: str) -> str:
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise InvalidInput(f"{url[:200]!r}: expected a URL with one of the schemes {', '.join(SCHEMES)}")
    return scheme
