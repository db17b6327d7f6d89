from golem_vpn.images.packages import Package
from golem_vpn.images.progress import OnProgress
from golem_vpn.images.task_package import LocalPackage, parse


class LocalPackages:
    """Knows what lies on this machine."""

    async def resolve(self, task_package: str, _requestor: str, _on_progress: OnProgress) -> Package:
        package = parse(task_package)
        assert isinstance(package, LocalPackage)
        return Package(package.path)
