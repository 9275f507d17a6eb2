//! How a plan goes to the first process.

use super::*;
use crate::plan::Limits;

fn link(path: &str) -> Step {
    Step::Link { path: path.to_owned(), target: "elsewhere".to_owned() }
}

#[test]
fn steps_that_went_ahead_do_not_go_again_and_stay_in_the_plan() {
    let (kode, first) = UnixStream::pair().unwrap();
    let steps = vec![link("/one"), link("/two"), link("/three")];
    let identity = Identity {
        inside_user: 1,
        inside_group: 1,
        host_user: 1,
        host_group: 1,
        started_as_root: false,
        name: "user".to_owned(),
    };
    let mut plan = Plan {
        identity,
        steps: steps.clone(),
        writable: Vec::new(),
        environment: Vec::new(),
        limits: Limits { processes_max: 1, memory_bytes_max: 1 },
        proxy_port: None,
    };
    let talk = (&kode, rustix::process::getpid());
    send_ahead(talk, &steps[..2]).unwrap();
    hand_over(talk, &mut plan, 2, &[]).unwrap();
    assert_eq!(plan.steps, steps);
    let (ahead, _) = wire::receive::<Vec<Step>>(&first).unwrap().unwrap();
    let (rest, _) = wire::receive::<Plan>(&first).unwrap().unwrap();
    assert_eq!((&ahead[..], &rest.steps[..]), (&steps[..2], &steps[2..]));
}
