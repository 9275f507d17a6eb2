//! Programs that people use, led to the proxy and to the fetcher's certificate by
//! nothing but the variables of a sandbox with hosts open.

use std::path::Path;
use std::process::{Command, Output};

use super::super::pkcs12;
use super::world::{PUBLIC, Tested, World, ok};
use crate::plan::{PROXY_PORT, set_network_variables};

const HOST: &str = "repo.maven.apache.org";
const ADDRESS: &str = "https://repo.maven.apache.org/maven2/a/a.pom";

const JAVA: &str = r#"import java.net.*; import java.nio.charset.*;
class Get { public static void main(String[] given) throws Exception {
  var read = new URL(given[0]).openConnection().getInputStream();
  System.out.println(new String(read.readAllBytes(), StandardCharsets.UTF_8)); } }"#;
const NEWER_JAVA: &str = r#"import java.net.*; import java.net.http.*;
class Get { public static void main(String[] given) throws Exception {
  var asked = HttpRequest.newBuilder(URI.create(given[0])).build();
  System.out.println(HttpClient.newHttpClient()
    .send(asked, HttpResponse.BodyHandlers.ofString()).body()); } }"#;

/// A program run with the variables, as if the sandbox's proxy were this one and
/// its files in `folder`.
fn run(proxy: &Tested, folder: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    std::fs::write(folder.join("certificates.pem"), &proxy.fetcher).unwrap();
    std::fs::write(folder.join("certificates.p12"), pkcs12(&proxy.fetcher)).unwrap();
    let mut variables = Vec::new();
    set_network_variables(&mut variables);
    let ours = |text: &str| {
        text.replace(&PROXY_PORT.to_string(), &proxy.port.to_string())
            .replace("/etc/kode", folder.to_str().unwrap())
    };
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, ours(value))))
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .current_dir(folder)
        .output();
    if output.is_err() {
        println!("left out: there is no {program}");
    }
    output.ok()
}

fn world() -> World {
    let world = World::new();
    world.serve_tls(PUBLIC, &[HOST], |_| ok("from the registry"));
    world
}

#[test]
fn the_variables_alone_lead_programs_to_a_registry() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("Get.java", JAVA), ("newer/Get.java", NEWER_JAVA)] {
        std::fs::create_dir_all(folder.path().join("newer")).unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let python = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())";
    let ruby = "require 'net/http'; puts Net::HTTP.get(URI(ARGV[0]))";
    let programs: &[(&str, &[&str])] = &[
        ("curl", &["-sS", ADDRESS]),
        ("python3", &["-c", python, ADDRESS]),
        ("ruby", &["-e", ruby, ADDRESS]),
        ("java", &["Get.java", ADDRESS]),
        ("java", &["newer/Get.java", ADDRESS]),
    ];
    for (program, arguments) in programs {
        let proxy = world.proxy(&[HOST]);
        let Some(output) = run(&proxy, folder.path(), program, arguments) else { continue };
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.trim(), "from the registry", "{program} {arguments:?} {output:?}");
    }
}

#[test]
fn git_and_node_trust_the_fetcher() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let proxy = world.proxy(&[HOST]);
    // No repository is there; that the fetcher says so is told inside its TLS.
    let asked = ["ls-remote", "https://repo.maven.apache.org/a.git"];
    if let Some(output) = run(&proxy, folder.path(), "git", &asked) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("not found") || said.contains("40"), "{output:?}");
    }
    // The proxy variables are for `fetch` of newer versions, and npm has its own.
    let node = "const [,, port, host] = process.argv; const http = require('http'); \
                const tls = require('tls'); \
                http.request({port, method: 'CONNECT', path: host + ':443', headers: {host: host + ':443'}}) \
                .on('connect', (_, socket) => tls.connect({socket, servername: host}, \
                function () { console.log(this.authorized); process.exit(); })).end();";
    let port = proxy.port.to_string();
    if let Some(output) = run(&proxy, folder.path(), "node", &["-e", node, "-", &port, HOST]) {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "true\n", "{output:?}");
    }
}

#[test]
fn maven_reads_from_its_registry() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let proxy = world.proxy(&[HOST]);
    let arguments = ["-B", "-Dmaven.repo.local=repository", "org.example:no-plugin:1:goal"];
    let Some(output) = run(&proxy, folder.path(), "mvn", &arguments) else { return };
    let path = "GET /maven2/org/example/no-plugin/1/no-plugin-1.pom HTTP/1.1";
    assert!(world.asked().iter().any(|head| head.starts_with(path)), "{output:?}");
}

#[test]
fn what_java_reads_is_a_store_of_certificates_without_a_password() {
    let proxy = world().proxy(&[HOST]);
    let folder = tempfile::tempdir().unwrap();
    let store = ["pkcs12", "-in", "certificates.p12", "-nokeys", "-nomacver", "-passin", "pass:"];
    if let Some(output) = run(&proxy, folder.path(), "openssl", &store) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("friendlyName: trusted 0"), "{output:?}");
        assert!(said.contains(proxy.fetcher.lines().nth(1).unwrap()), "{output:?}");
    }
    let list = ["-list", "-keystore", "certificates.p12", "-storepass", "anything"];
    if let Some(output) = run(&proxy, folder.path(), "keytool", &list) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("trustedCertEntry"), "{output:?}");
    }
}
