//! Only the gate mints.
fn main() {
    let _permit = kode_gate::Permit::mint((), kode_base::AuditSequence(1), Vec::new());
}
