# Caddy without root: it listens above 1024, so it needs no capability, and keeps its certificates
# in a directory of its own.
FROM caddy:2.10-alpine
RUN setcap -r /usr/bin/caddy \
    && mkdir /state \
    && chown 10001:10001 /state
COPY Caddyfile /etc/caddy/Caddyfile
ENV XDG_CONFIG_HOME=/state/config \
    XDG_DATA_HOME=/state/data
USER 10001:10001
