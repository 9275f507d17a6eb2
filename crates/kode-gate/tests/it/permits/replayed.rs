//! A permit is used up by redeeming it.
fn twice(permit: kode_gate::Permit<String>) {
    let _first = permit.redeem();
    let _second = permit.redeem();
}

fn main() {
    let _ = twice;
}
