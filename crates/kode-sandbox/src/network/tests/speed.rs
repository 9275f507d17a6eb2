//! How fast the proxy is beside a direct connection. Reported, never asserted:
//! `cargo test -p kode-sandbox --release speed -- --ignored --nocapture`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::world::{PUBLIC, World};

const BLOCK: usize = 1024 * 1024;
const BLOCKS: usize = 256;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let world = World::new();
    world.serve_tls(PUBLIC, &["fast.test"], |head| match head.starts_with("GET /big") {
        true => vec![b'x'; BLOCK * BLOCKS],
        false => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(),
    });
    let proxy = world.proxy(&["fast.test"]);
    let direct = || {
        let dialled = super::super::HostName::parse("fast.test").unwrap();
        let counters = Default::default();
        let stream =
            world.outside().connect(&dialled, 443, &counters, Duration::from_secs(30)).unwrap();
        stream.socket().try_clone().unwrap().0
    };
    let latency = |connect: &dyn Fn() -> TcpStream| {
        let times = (0..200).map(|_| {
            let begun = Instant::now();
            let mut stream = proxy.tls(connect(), "fast.test");
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            stream.read_exact(&mut [0; 40]).unwrap();
            begun.elapsed()
        });
        median(times.collect())
    };
    let throughput = |connect: &dyn Fn() -> TcpStream| {
        let mut stream = proxy.tls(connect(), "fast.test");
        stream.write_all(b"GET /big HTTP/1.1\r\n\r\n").unwrap();
        let begun = Instant::now();
        let mut block = vec![0; 128 * 1024];
        let mut left = BLOCK * BLOCKS;
        while left > 0 {
            left -= stream.read(&mut block).unwrap().min(left);
        }
        BLOCKS as f64 / begun.elapsed().as_secs_f64()
    };
    let tunnel = || proxy.tunnel("fast.test:443").unwrap();
    for (name, connect) in [("direct", &direct as &dyn Fn() -> TcpStream), ("proxy", &tunnel)] {
        println!(
            "{name}: first byte {:?} (median of 200), {:.0} MiB/s over TLS",
            latency(connect),
            throughput(connect)
        );
    }
}
