//! Leaving a test out when the machine lacks what it needs: said aloud on a
//! developer's machine, a failure where everything must be there (CI).

/// Set to `1`, a skipped test is a failed test. `.ci/run` sets it.
pub const REQUIRE_ALL: &str = "KODE_REQUIRE_ALL";

/// Says that this test is skipped and why; the caller returns right after.
///
/// ```no_run
/// fn kernel_has_landlock() -> bool { false }
/// if !kernel_has_landlock() {
///     return kode_testkit::skip_or_fail("this kernel has no Landlock");
/// }
/// ```
///
/// # Panics
/// When [`REQUIRE_ALL`] is `1`: a machine that must run every test does not.
#[track_caller]
#[expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking and speak on stderr"
)]
pub fn skip_or_fail(reason: &str) {
    if std::env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1") {
        panic!("skipped although {REQUIRE_ALL}=1: {reason}");
    }
    eprintln!("skipped: {reason}");
}
