//! What process 1 says, and when.

use super::*;
use crate::wire::SelfTest;

const NOTHING: Service = Service {
    environment: Vec::new(),
    in_memory: Vec::new(),
    memory_bytes_max: u64::MAX,
    confined_to: None,
    protected: Vec::new(),
};

fn run(program: &str) -> Request {
    let arguments = vec![program.to_owned()];
    Request::Run { arguments, directory: "/".to_owned(), terminal: None }
}

/// Has a process 1 greet kode, which said `asked` before, and returns whether a command
/// runs then, and all it said.
fn greeted(asked: Option<&Request>) -> (bool, Vec<Reply>) {
    let (kode, first) = UnixStream::pair().unwrap();
    let null = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    if let Some(asked) = asked {
        wire::send(&kode, asked, &[null.as_fd(), null.as_fd(), null.as_fd()]).unwrap();
    }
    let (mut running, reach) = (None, Reach::Namespace);
    let mut init = Init { socket: &first, service: &NOTHING, reach: &reach, running: &mut running };
    init.greet(&Reply::Ready(SelfTest::default()), Vec::new()).unwrap();
    drop(first);
    let mut said = Vec::new();
    while let Some((reply, _)) = wire::receive::<Reply>(&kode).unwrap() {
        said.push(reply);
    }
    if let Some(running) = &running {
        rustix::process::waitpid(Some(running.pid), WaitOptions::empty()).unwrap();
    }
    (running.is_some(), said)
}

#[test]
fn that_the_sandbox_stands_is_said_first_whatever_was_asked_before() {
    let (runs, said) = greeted(None);
    assert!(!runs && matches!(said[..], [Reply::Ready(_)]), "{said:?}");

    let (runs, said) = greeted(Some(&run("/bin/true")));
    assert!(runs && matches!(said[..], [Reply::Ready(_)]), "{said:?}");

    let (runs, said) = greeted(Some(&run("/nonexistent/program")));
    let expected = matches!(said[..], [Reply::Ready(_), Reply::NotStarted { .. }]);
    assert!(!runs && expected, "{said:?}");

    let (runs, said) = greeted(Some(&Request::Signal(15)));
    assert!(!runs && matches!(said[..], [Reply::Ready(_)]), "{said:?}");
}
