#!/bin/sh
# Write secrets/ for docker-compose.yml, once: random passwords and the addresses that hold them.
# Files that exist stay as they are, so that running it again changes nothing.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets # the folder keeps other people of this machine out ...
umask 022         # ... and the containers' own users can read the files

keep() { # name, content
    [ -s "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"
}

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

for role in postgres migrator app reader redis; do
    keep "${role}_password" "$(random)"
done
for role in migrator app; do
    password=$(cat "secrets/${role}_password")
    keep "${role}_database_url" "postgresql://bos_${role}:${password}@postgres:5432/bos"
done
password=$(cat secrets/redis_password)
keep redis_url "redis://:${password}@redis:6379/0"
keep redis_acl "user default on >${password} ~* &* +@all
user health on nopass -@all +ping"
