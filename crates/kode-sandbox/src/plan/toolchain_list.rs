//! The toolchains of a user that are known, and what of each is shown.

/// A toolchain's root and the parts of it that are shown.
pub(super) struct Toolchain {
    /// The variable that names its root.
    pub(super) variable: &'static str,
    /// Where the root is below home when the variable is not set; empty for
    /// nowhere.
    pub(super) default: &'static str,
    /// Folders and files shown read-only; `.` for the whole root.
    pub(super) parts: &'static [&'static str],
    /// Folders that the toolchain writes to while it works.
    pub(super) caches: &'static [&'static str],
}

/// Those that are known. Never a folder that holds settings or credentials.
pub(super) const TOOLCHAINS: &[Toolchain] = &[
    Toolchain {
        variable: "CARGO_HOME",
        default: ".cargo",
        parts: &["bin"],
        caches: &["registry/index", "registry/cache", "registry/src", "git/db", "git/checkouts"],
    },
    // `settings.toml` names the default toolchain and nothing else.
    Toolchain {
        variable: "RUSTUP_HOME",
        default: ".rustup",
        parts: &["toolchains", "settings.toml"],
        caches: &[],
    },
    Toolchain {
        variable: "PYENV_ROOT",
        default: ".pyenv",
        parts: &["bin", "libexec", "shims", "versions", "plugins", "pyenv.d", "version"],
        caches: &[],
    },
    Toolchain {
        variable: "NVM_DIR",
        default: ".nvm",
        parts: &["versions", "alias", "nvm.sh"],
        caches: &[],
    },
    Toolchain { variable: "VOLTA_HOME", default: ".volta", parts: &["bin", "tools"], caches: &[] },
    Toolchain { variable: "GOROOT", default: "", parts: &["."], caches: &[] },
    Toolchain { variable: "GOPATH", default: "go", parts: &["bin"], caches: &["pkg/mod"] },
    Toolchain { variable: "JAVA_HOME", default: "", parts: &["."], caches: &[] },
    Toolchain { variable: "SDKMAN_DIR", default: ".sdkman", parts: &["candidates"], caches: &[] },
    Toolchain { variable: "DENO_INSTALL", default: ".deno", parts: &["bin"], caches: &[] },
    Toolchain { variable: "BUN_INSTALL", default: ".bun", parts: &["bin"], caches: &[] },
    Toolchain {
        variable: "",
        default: ".local",
        parts: &["bin", "lib", "share/uv/python", "share/uv/tools", "share/pipx/venvs"],
        caches: &[],
    },
    // Content by hash; the settings and tokens beside it are not shown.
    Toolchain { variable: "", default: ".npm", parts: &[], caches: &["_cacache"] },
    Toolchain { variable: "", default: ".m2", parts: &[], caches: &["repository"] },
    // Its settings may hold passwords, and are not shown: distributions only, and modules
    // by their hashes.
    Toolchain {
        variable: "GRADLE_USER_HOME",
        default: ".gradle",
        parts: &["wrapper/dists"],
        caches: &["caches/modules-2"],
    },
    Toolchain {
        variable: "RBENV_ROOT",
        default: ".rbenv",
        parts: &["bin", "libexec", "shims", "versions", "plugins", "version"],
        caches: &[],
    },
    Toolchain {
        variable: "ASDF_DATA_DIR",
        default: ".asdf",
        parts: &["asdf.sh", "bin", "installs", "lib", "libexec", "plugins", "shims"],
        caches: &[],
    },
    Toolchain {
        variable: "MISE_DATA_DIR",
        default: ".local/share/mise",
        parts: &["installs", "shims"],
        caches: &[],
    },
    Toolchain {
        variable: "PNPM_HOME",
        default: ".local/share/pnpm",
        parts: &["nodejs", "pnpm"],
        caches: &["store"],
    },
    Toolchain { variable: "", default: ".nuget", parts: &[], caches: &["packages"] },
    Toolchain { variable: "", default: ".ghcup", parts: &["bin", "ghc", "hls"], caches: &[] },
    Toolchain { variable: "", default: ".cabal", parts: &["bin", "store"], caches: &["packages"] },
    Toolchain { variable: "", default: ".bundle", parts: &[], caches: &["cache"] },
    Toolchain { variable: "", default: ".gem", parts: &["ruby"], caches: &[] },
    Toolchain { variable: "", default: ".yarn", parts: &[], caches: &["berry/cache"] },
    Toolchain { variable: "", default: ".m2/wrapper", parts: &["dists"], caches: &[] },
    // What builds and browsers' tests take from one project to the next.
    Toolchain {
        variable: "",
        default: ".cache",
        parts: &["ms-playwright", "Cypress", "electron"],
        caches: &["go-build", "ccache", "composer/files", "yarn", "uv"],
    },
    Toolchain { variable: "", default: "miniconda3", parts: CONDA, caches: &[] },
    Toolchain { variable: "", default: "miniforge3", parts: CONDA, caches: &[] },
    Toolchain { variable: "", default: "anaconda3", parts: CONDA, caches: &[] },
];

/// Conda's own settings stand beside these, and may hold tokens.
const CONDA: &[&str] =
    &["bin", "condabin", "conda-meta", "envs", "etc/profile.d", "include", "lib", "share"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_is_named_like_settings_or_credentials() {
        let private = ["config", "credential", "settings.xml", "npmrc", "netrc", "token", "auth"];
        let parts = TOOLCHAINS.iter().flat_map(|it| it.parts.iter().chain(it.caches));
        for part in parts {
            assert!(!private.iter().any(|name| part.contains(name)), "{part}");
        }
    }
}
