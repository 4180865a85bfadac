# shellcheck shell=bash
# What the lab's hosts are made of: their roots (one per Debian suite, and the router's), the keys, the programs in the images.
# Read by `lab` beside this file.
# A root is made again when its packages, its settings (`declare -f` of the functions below, so comments don't count) or the keys change.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LAB_CACHE:-/var/tmp/lab} # roots, keys, images, the hosts' disks: kept by `down` but for the disks
domain=example.com
lan=2001:db8:    # router ::1, registry ::5, DNS ::53, controller ::a, client ::c, hosts ::1:N, services ::2xx
far=2001:db8:f   # a second LAN behind the router, MTU 1400

host_packages=systemd,systemd-sysv,dbus,udev,iproute2,iputils-ping,python3,python3-apt,openssh-server,docker.io,python3-docker,iptables
host_packages+=,nftables,curl,podman,netavark,aardvark-dns,uidmap,crun,dbus-user-session,libpam-systemd,procps,ca-certificates
host_packages+=,tcpdump,bind9-dnsutils,network-manager,ifupdown,netplan.io,dnsmasq-base,less
# shellcheck disable=SC2054 # each is one word, for mmdebstrap
declare -A suite_packages=([bookworm]=,slirp4netns,lxd [trixie]=,docker-cli,passt,incus [forky]=,docker-cli,passt,incus)
router_packages=systemd,systemd-sysv,dbus,iproute2,iputils-ping,openssh-server,bind9,bind9-dnsutils,radvd,docker-registry,nftables
router_packages+=,curl,ca-certificates,procps,tcpdump,libpam-systemd,busybox-static,nginx-light

need() { # [COMMAND PACKAGE]...: install the packages whose commands are missing
    local missing=()
    while (($#)); do
        type -P "$1" >/dev/null || [ -e "$1" ] || missing+=("$2")
        shift 2
    done
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    apt-get -qq update || die "apt-get update failed: the lab needs Debian's packages the first time"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
        die "cannot install ${missing[*]}"
}

mmdebstrap() { # bounded: a mirror that hangs is an error, and not for ever
    timeout 1500 "$(type -P mmdebstrap)" "$@" || die "mmdebstrap failed: does this machine reach a Debian mirror?"
}

make_root() { # NAME SUITE PACKAGES KIND; made again when what goes into it has changed
    local root=$cache/root-$1 stamp
    stamp=$({ declare -f make_root "finish_$4"; echo "$@"; cat "$cache"/{id_ed25519.pub,ca.crt,lab.key,registry.crt}; } | sha256sum)
    [ "$(cat "$root/.lab" 2>/dev/null)" != "$stamp" ] || return 0
    say "making $root"
    [ ! -e /run/netns/lab ] || die "lab down first"
    rm -rf --one-file-system "$root.new"
    mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include="$3" "$2" "$root.new"
    mkdir -p "$root.new/root/.ssh"
    install -m 600 "$cache/id_ed25519.pub" "$root.new/root/.ssh/authorized_keys"
    install -m 644 "$cache/ca.crt" "$root.new/usr/local/share/ca-certificates/lab.crt"
    chroot "$root.new" update-ca-certificates >/dev/null 2>&1
    rm -f "$root.new/etc/resolv.conf" "$root.new/usr/lib/systemd/network/80-container-host0.network"
    printf 'search %s\nnameserver %s:53\n' $domain $lan >"$root.new/etc/resolv.conf"
    : >"$root.new/etc/machine-id"
    "finish_$4" "$root.new"
    echo "$stamp" >"$root.new/.lab"
    rm -rf --one-file-system "$root"
    mv "$root.new" "$root"
}

finish_host() {
    systemctl --quiet --root="$1" enable systemd-networkd ssh
    systemctl --quiet --root="$1" disable NetworkManager networking incus incus.socket incus-user.socket incus-startup \
        lxd lxd.socket lxd-containers lxcfs netplan-configure.service 2>/dev/null || true
    # masked: what needs hardware, and timers that would only add noise
    systemctl --quiet --root="$1" mask apt-daily.timer apt-daily-upgrade.timer systemd-udevd systemd-journald-audit.socket
    # who runs containers without root; the home lies beside the root, and is made when the host is
    chroot "$1" useradd --uid 1000 --shell /bin/bash app
    grep -q ^app: "$1/etc/subuid" || chroot "$1" usermod --add-subuids 100000-165535 --add-subgids 100000-165535 app
    # the cgroups here have no controllers. Podman 4.3 swaps the soft and the hard limit in its API: they are the same
    mkdir -p "$1/etc/containers"
    printf '[containers]\npids_limit = 0\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n' >"$1/etc/containers/containers.conf"
    # bookworm's crun raises a limit to load its eBPF, which CAP_SYS_RESOURCE would be needed for
    ! grep -q bookworm "$1/etc/os-release" || printf '[engine]\nruntime = "runc"\n' >>"$1/etc/containers/containers.conf"
    printf 'unqualified-search-registries = ["registry.%s"]\n' $domain >"$1/etc/containers/registries.conf"
}

finish_router() {
    local root=$1
    systemctl --quiet --root="$root" enable systemd-networkd ssh named radvd docker-registry nginx
    systemctl --quiet --root="$root" mask systemd-modules-load
    printf 'net.ipv6.conf.all.forwarding = 1\n' >"$root/etc/sysctl.d/lab.conf"
    cat >"$root/etc/systemd/network/10-eth0.network" <<EOF
[Match]
Name=eth0
[Network]
Address=$lan:1/64
Address=$lan:5/64
Address=$lan:53/64
IPv6AcceptRA=no
EOF
    cat >"$root/etc/systemd/network/10-eth1.network" <<EOF
[Match]
Name=eth1
[Network]
Address=$far::1/64
IPv6AcceptRA=no
[Link]
MTUBytes=1400
EOF
    for ((i = 1; i <= 40; i++)); do # a routed /64 for each host
        printf '[Route]\nDestination=2001:db8:99:%x::/64\nGateway=%s:1:%x\n' $i $lan $i
    done >>"$root/etc/systemd/network/10-eth0.network"
    cat >"$root/etc/radvd.conf" <<EOF
interface eth0 {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 10;
    prefix $lan:/64 { AdvOnLink on; AdvAutonomous on; };
    RDNSS $lan:53 { };
};
EOF
    cat >"$root/etc/bind/named.conf" <<EOF
include "/etc/bind/lab.key";
options { directory "/var/cache/bind"; listen-on-v6 { any; }; listen-on { none; }; recursion no; dnssec-validation no; };
zone "$domain" { type primary; file "/var/lib/bind/$domain"; allow-update { key lab; }; allow-transfer { key lab; }; };
zone "8.b.d.0.1.0.0.2.ip6.arpa" { type primary; file "/var/lib/bind/reverse"; allow-update { key lab; }; allow-transfer { key lab; }; };
EOF
    install -m 644 "$cache/lab.key" "$root/etc/bind/lab.key"
    local soa="\$TTL 60
@ SOA ns.$domain. hostmaster.$domain. 1 3600 600 86400 60
@ NS ns.$domain."
    { printf '%s\n' "$soa" "ns AAAA $lan:53" "registry AAAA $lan:5" "router AAAA $lan:1" "client AAAA $lan:c"
        for ((i = 1; i <= 40; i++)); do printf 'h%d AAAA %s:1:%x\n' $i $lan $i; done; } >"$root/var/lib/bind/$domain"
    printf '%s\n' "$soa" >"$root/var/lib/bind/reverse"
    chroot "$root" chown -R bind:bind /var/lib/bind
    mkdir -p "$root/etc/docker/registry"
    install -m 644 "$cache/registry.crt" "$cache/registry.key" "$root/etc/docker/registry/"
    cat >"$root/etc/docker/registry/config.yml" <<EOF
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: /srv/registry }, delete: { enabled: true } }
http: { addr: "[::]:443", tls: { certificate: /etc/docker/registry/registry.crt, key: /etc/docker/registry/registry.key } }
EOF
    # images of Incus and LXD, as plain files
    rm -f "$root/etc/nginx/sites-enabled/default"
    cat >"$root/etc/nginx/conf.d/images.conf" <<EOF
server {
    listen [::]:8443 ssl;
    ssl_certificate /etc/docker/registry/registry.crt;
    ssl_certificate_key /etc/docker/registry/registry.key;
    root /srv/images;
}
EOF
    mkdir -p "$root/etc/systemd/system/docker-registry.service.d"
    printf '[Service]\nUser=root\n' >"$root/etc/systemd/system/docker-registry.service.d/lab.conf"
}

make_keys() {
    [ -s "$cache/id_ed25519.pub" ] || {
        rm -f "$cache/id_ed25519"
        ssh-keygen -q -t ed25519 -N '' -C lab -f "$cache/id_ed25519"
    }
    [ -s "$cache/lab.key" ] || printf 'key lab { algorithm hmac-sha256; secret "%s"; };\n' "$(openssl rand -base64 32)" >"$cache/lab.key"
    [ -s "$cache/registry.crt" ] || (
        cd "$cache"
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=lab CA' -keyout ca.key -out ca.crt
        openssl req -newkey rsa:2048 -nodes -subj "/CN=registry.$domain" -keyout registry.key -out registry.csr
        openssl x509 -req -days 3650 -in registry.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out registry.crt \
            -extfile <(printf 'subjectAltName=DNS:registry.%s' "$domain")
    ) 2>/dev/null || die "openssl could not make the lab's certificates in $cache"
}

room() { # MIB PATH
    local free
    free=$(df --output=avail -m "$2" | tail -1)
    ((free >= $1)) || die "$2 has $free MiB free, $1 are needed; LAB_CACHE may name another place"
}

build() { # SUITE...
    local suite program unmade=0
    mkdir -p "$cache"/{registry,images}
    [ "$(stat -f -c %T "$cache")" != overlayfs ] || die "$cache lies on an overlay, where no host's root can; set LAB_CACHE to a real disk"
    need ip iproute2 pgrep procps mmdebstrap mmdebstrap systemd-nspawn systemd-container gcc gcc /usr/include/stdlib.h libc6-dev \
        openssl openssl ssh openssh-client ping iputils-ping nsupdate bind9-dnsutils curl curl
    make_keys
    for suite in router "${@:-trixie}"; do
        [ "$suite" = router ] || [ -n "${suite_packages[$suite]:-}" ] || die "$suite: no such suite; there are ${!suite_packages[*]}"
        [ -e "$cache/root-$suite/.lab" ] || unmade=$((unmade + 1))
    done
    room $((500 + 1200 * unmade)) "$cache"
    make_root router trixie "$router_packages" router
    for suite in "${@:-trixie}"; do
        make_root "$suite" "$suite" "$host_packages${suite_packages[$suite]}" host
    done
    for program in whoami lease; do gcc -O2 -static -s -o "$cache/$program" "$here/$program.c"; done
    cp "$cache/root-router/usr/bin/busybox" "$cache/busybox"
}
