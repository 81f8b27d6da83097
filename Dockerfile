# A static dkimgate in an otherwise empty image, running as nobody in particular.
#
#   docker build -t dkimgate .
#   docker run --rm -v /etc/dkimgate:/etc/dkimgate:ro dkimgate /etc/dkimgate/proxy-out.yaml
#
# The argument is the YAML file, or several. The key files must be readable by user 65532 and by nobody else. Logs go to
# standard output. SIGTERM, which `docker stop` sends, drains and ends it.
#
# 127.0.0.1 is the container's own loopback: beside an MTA's container, share its network (a pod, or
# `--network container:postfix`), and the shipped files work as they are. Otherwise `listen` on an address that the MTA
# reaches, and name the MTA in `clients`.

FROM docker.io/library/rust:1.95-alpine AS build
# A C compiler for the crypto crates; Alpine's Rust builds for musl, and links statically.
RUN apk add --no-cache gcc make musl-dev
WORKDIR /src
COPY . .
# The toolchain of the image, and not one that rust-toolchain.toml would have fetched.
RUN export RUSTUP_TOOLCHAIN="$(rustup toolchain list | head -n 1 | cut -d ' ' -f 1)" \
 && cargo build --release --locked --package dkimgate \
 && mkdir -p /image/tmp \
 && chmod 1777 /image/tmp \
 && cp target/release/dkimgate /image/dkimgate

FROM scratch
# /tmp takes the content of large messages, in files that have no name.
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/dkimgate", "run", "--log-output=stdout"]
