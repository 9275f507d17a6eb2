//! A permit can't be copied.
fn copied(permit: &kode_gate::Permit<String>) -> kode_gate::Permit<String> {
    permit.clone()
}

fn main() {
    let _ = copied;
}
