//! Ungated, forged, replayed and cloned permits do not compile, and neither a
//! permit nor a secret can be serialised, read back or copied.

use kode_base::Secret;
use kode_gate::Permit;

#[test]
fn misused_permits_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/it/permits/*.rs");
}

/// Resolves only while `$type` lacks `$trait`: with it, two impls apply and
/// this file no longer compiles.
macro_rules! assert_not_implemented {
    ($type:ty: $trait:path) => {
        const _: fn() = || {
            trait AmbiguousIfImplemented<A> {
                fn probe() {}
            }
            struct Lacking;
            struct Having;
            impl<T: ?Sized> AmbiguousIfImplemented<Lacking> for T {}
            impl<T: ?Sized + $trait> AmbiguousIfImplemented<Having> for T {}
            let _ = <$type as AmbiguousIfImplemented<_>>::probe;
        };
    };
}

assert_not_implemented!(Permit<String>: serde::Serialize);
assert_not_implemented!(Permit<String>: serde::de::DeserializeOwned);
assert_not_implemented!(Permit<String>: Clone);
assert_not_implemented!(Secret: serde::Serialize);
assert_not_implemented!(Secret: serde::de::DeserializeOwned);
assert_not_implemented!(Secret: Clone);
