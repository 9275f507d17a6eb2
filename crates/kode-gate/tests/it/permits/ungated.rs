//! What runs takes a permit, not the bare action.
fn run(permit: kode_gate::Permit<kode_base::ShellCommand>) -> kode_base::ShellCommand {
    permit.redeem()
}

fn ungated(command: kode_base::ShellCommand) {
    run(command);
}

fn main() {
    let _ = ungated;
}
