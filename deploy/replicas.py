"""The list of replicas as nginx has it: python -m deploy.replicas 10.0.0.1:8501 10.0.0.2:8501 > rhythmvae-replicas.conf

A visitor without a cookie goes to the replica with the fewest connections; the cookie then names that replica by its
number in the list. Where it does not answer, another does, and the cookie names the other from then on: uploads and
files must go where the visitor's session is. A new replica goes to the end of the list, for the numbers stay then.
"""

import re
import sys
from collections.abc import Sequence

COOKIE = "rhythmvae_replica"
_ADDRESS = re.compile(r"[0-9.]+:[0-9]+")  # of IPv4: nginx names who answered by its number, not by a name
_TRIES = "max_fails=1 fail_timeout=5s"


def configuration(addresses: Sequence[str]) -> str:
    """nginx's upstreams and maps for replicas at "host:port".

    Raises:
        ValueError: no address, one twice, or one that is not an IPv4 address with a port.
    """
    if not addresses or len(set(addresses)) < len(addresses):
        raise ValueError("Expected the addresses of the replicas, each once.")
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"Expected an address such as 10.0.0.1:8501, got {address}.")
    numbered = list(enumerate(addresses, 1))
    lines = ["# made by: python -m deploy.replicas " + " ".join(addresses)]
    lines += ["upstream rhythmvae_any {", "    least_conn;"]
    lines += [f"    server {address} {_TRIES};" for address in addresses]
    lines += ["}"]
    for number, address in numbered:
        others = [f"    server {other} {_TRIES} backup;" for other in addresses if other != address]
        lines += [f"upstream rhythmvae_{number} {{", f"    server {address} {_TRIES};", *others, "}"]
    lines += [f"map $cookie_{COOKIE} $rhythmvae_pool {{", "    default rhythmvae_any;"]
    lines += [f"    {number} rhythmvae_{number};" for number, _ in numbered]
    lines += ["}", "# Who answered last, where several were asked.", "map $upstream_addr $rhythmvae_replica {"]
    lines += ["    default 0;"]
    lines += [f'    "~(^|[ ,]){re.escape(address)}$" {number};' for number, address in numbered]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    try:
        sys.stdout.write(configuration(sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))
