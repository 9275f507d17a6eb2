//! A permit can't be written down by hand.
fn main() {
    let _permit = kode_gate::Permit { action: (), intent: kode_base::AuditSequence(1) };
}
