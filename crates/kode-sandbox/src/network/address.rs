//! Which addresses a name may lead to: public ones, and none of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Blocks of IPv4 that are not the public internet (IANA's special-purpose
/// registry, RFC 6890), and the one metadata service with a public address.
/// Documentation blocks are left out: they lead nowhere by themselves.
const CLOSED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Blocks of IPv6's one public part, `2000::/3`, that lead elsewhere: protocol
/// assignments with Teredo, and 6to4, which holds an IPv4 address.
const CLOSED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// Whether a connection may go there.
pub(crate) fn is_public(address: IpAddr) -> bool {
    let in_open_block = match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|block| within_v4(address, *block)),
        IpAddr::V6(address) => {
            let public = within_v6(address, (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3));
            public && !CLOSED_V6.iter().any(|block| within_v6(address, *block))
        }
    };
    in_open_block && !is_this_machines(address)
}

fn within_v4(address: Ipv4Addr, (block, bits): (Ipv4Addr, u32)) -> bool {
    let shift = u32::BITS - bits;
    address.to_bits() >> shift == block.to_bits() >> shift
}

fn within_v6(address: Ipv6Addr, (block, bits): (Ipv6Addr, u32)) -> bool {
    let shift = u128::BITS - bits;
    address.to_bits() >> shift == block.to_bits() >> shift
}

/// A public address of this machine's own reaches its local services. Only a
/// local address can be bound.
fn is_this_machines(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_open() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn private_local_and_metadata_addresses_are_closed() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "168.63.129.16",
            "192.88.99.1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn every_ipv6_that_is_not_public_is_closed() {
        for text in [
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2002:7f00:1::",
        ] {
            assert!(!public(text), "{text}");
        }
    }
}
