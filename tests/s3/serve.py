"""An S3 server with one empty bucket: prints its port, ends when its input does; in an environment of its own."""

import sys

import boto3
from moto.server import ThreadedMotoServer


def main(bucket: str) -> None:
    """Serve until standard input is closed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket=bucket)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


main(sys.argv[1])
