//! A secret can't be copied.
fn copied(secret: &kode_base::Secret) -> kode_base::Secret {
    secret.clone()
}

fn main() {
    let _ = copied;
}
