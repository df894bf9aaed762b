"""Builders of S3 server access log records, as bytes and as text, and of mappings for them."""

from typing import Final

from earwitness.importers.s3_mapping import S3Mapping, parse_mapping

OWNER: Final = "4d1fa93b6c0e5e7f8a2b9c0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b"
SUPPORT: Final = "arn:aws:sts::210987654321:assumed-role/support-console/e-17"
TRANSCRIBER: Final = "arn:aws:iam::210987654321:role/transcriber"
VENDOR: Final = "arn:aws:sts::345678901234:assumed-role/vendor-acme/u-9"

MAPPING_TEXT: Final = r"""
source = "/imports/s3/recordings"

[[resources]]
bucket = "example-recordings"
key = '(?P<customer_id>[^/]+)/(?P<resource_id>[^/]+)\.wav'
resource_type = "call_recording"

[[resources]]
bucket = "example-recordings"
resource_type = "call_recording"

[[requesters]]
match = 'arn:aws:sts::210987654321:assumed-role/support-console/(?P<actor_id>.+)'
actor_type = "employee"
actor_team = "support"

[[requesters]]
match = 'arn:aws:sts::[0-9]+:assumed-role/vendor-(?P<organization>[a-z]+)/(?P<actor_id>.+)'
actor_type = "vendor"

[[requesters]]
match = 'arn:aws:iam::210987654321:role/(?P<actor_id>.+)'
actor_type = "service"

[[requesters]]
match = '-'
actor_type = "service"
actor_id = "anonymous"

[ignore]
operations = ["REST.GET.NOTIFICATION"]
requesters = ['arn:aws:iam::210987654321:user/backup']
"""


def a_mapping(text: str = MAPPING_TEXT) -> S3Mapping:
    return parse_mapping(text.encode(), "mapping.toml")


def a_record(
    *,
    bucket: str = "example-recordings",
    time: str = "06/Feb/2026:10:15:30 +0000",
    ip: str = "198.51.100.7",
    requester: str = SUPPORT,
    request_id: str = "9F3C1A7700EXAMPLE",
    operation: str = "REST.GET.OBJECT",
    key: str = "c-1/r-1.wav",
    request_uri: str = '"GET /c-1/r-1.wav HTTP/1.1"',
    status: str = "206",
    bytes_sent: str = "65536",
    referer: str = '"-"',
    user_agent: str = '"aws-sdk-java/2.31"',
    later: str = "- aG9zdElk SigV4 TLS_AES_128_GCM_SHA256 AuthHeader s3.example TLSv1.3 - -",
) -> str:
    """Write one record in today's format; any field may be given as the log would have it."""
    return (
        f"{OWNER} {bucket} [{time}] {ip} {requester} {request_id} {operation} {key} {request_uri} "
        f"{status} - {bytes_sent} 1048576 42 17 {referer} {user_agent} {later}"
    )
