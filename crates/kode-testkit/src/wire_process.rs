//! Real servers that tests talk to: the mock provider `llmock` and a local
//! `llama-server`. Loopback only; the process ends with its value.
//!
//! Nothing is downloaded here: without the programs, tests are skipped.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::skip_or_fail;

/// Names the `llmock` program, where it isn't under `target/tools`.
pub const LLMOCK: &str = "KODE_LLMOCK";

/// Names the folder `scripts/local-model.sh` filled, where it isn't
/// `target/tools/local-model`.
pub const LOCAL_MODEL: &str = "KODE_LOCAL_MODEL";

/// Longest time a server may take to listen.
const START_WAIT: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    origin: String,
}

impl ServerProcess {
    /// Such as `http://127.0.0.1:40001`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Starts `llmock` (npm `@copilotkit/aimock`) with this fixture file or
    /// folder on a free port. `None` when it isn't installed: the test is then
    /// skipped, or failed where nothing may be skipped.
    pub fn llmock(fixtures: &Path) -> Option<Self> {
        let program = std::env::var_os(LLMOCK)
            .map_or_else(|| tools().join("node_modules/.bin/llmock"), PathBuf::from);
        if !program.exists() {
            skip_or_fail(
                "llmock is not installed: npm install --prefix target/tools @copilotkit/aimock",
            );
            return None;
        }
        let mut command = command(&program);
        command.args(["-p", "0", "--strict", "-f"]).arg(fixtures);
        let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
        let lines = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
        let origin = lines.into_iter().find_map(|line| {
            let at = line.find("listening on http://")? + "listening on ".len();
            Some(line[at..].trim().to_owned())
        });
        match origin {
            Some(origin) => Some(Self { child, origin }),
            None => {
                let _ = child.kill();
                skip_or_fail("llmock did not start");
                None
            }
        }
    }

    /// Starts `llama-server` with the small model `scripts/local-model.sh` set
    /// up, on a free port, with a window of `context` tokens. `None` as above.
    pub fn local_model(context: u32) -> Option<Self> {
        let folder = std::env::var_os(LOCAL_MODEL)
            .map_or_else(|| tools().join("local-model"), PathBuf::from);
        let program = folder.join("bin/llama-server");
        let model = folder.join("SmolLM2-135M-Instruct.Q4_1.gguf");
        if !program.exists() || !model.exists() {
            skip_or_fail("the local model is not set up: scripts/local-model.sh");
            return None;
        }
        let port = free_port()?;
        let mut command = command(&program);
        command.env("LD_LIBRARY_PATH", folder.join("bin")).arg("-m").arg(model).args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "-c",
            &context.to_string(),
            "-np",
            "1",
            "-t",
            "2",
            "-ngl",
            "0",
            "--jinja",
            "--no-webui",
            "--offline",
        ]);
        let child = spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let server = Self { child, origin: format!("http://127.0.0.1:{port}") };
        server.wait_until_healthy(port).then_some(server)
    }

    fn wait_until_healthy(&self, port: u16) -> bool {
        let end = Instant::now() + START_WAIT;
        while Instant::now() < end {
            if healthy(port).unwrap_or(false) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        skip_or_fail("llama-server did not become ready");
        false
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests start the real server they talk to")]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

fn spawn(command: &mut Command) -> Option<Child> {
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            skip_or_fail(&format!("{command:?} did not start: {error}"));
            None
        }
    }
}

/// `target/tools` of the workspace.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools")
}

fn free_port() -> Option<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    Some(listener.local_addr().ok()?.port())
}

fn healthy(port: u16) -> std::io::Result<bool> {
    use std::io::Write as _;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(200))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.contains(" 200 "))
}
