//! The classes of flaw that keep a task open, with the words shown for each.

use kode_base::Severity;
use serde::Deserialize;

/// A class of flaw, named as the rules that report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Database access built from input (CWE-89).
    SqlInjection,
    /// Markup built from input (CWE-79).
    CrossSiteScripting,
    /// Process execution steered by input (CWE-78).
    CommandInjection,
    /// File access outside the intended folder (CWE-22).
    PathTraversal,
    /// Redirects to a host the input names (CWE-601).
    OpenRedirect,
    /// A credential in the source (CWE-798).
    Secret,
    /// A browser dialog that blocks the page.
    BlockingDialog,
}

impl Category {
    /// Every category a flow can end in, in the order of their bits.
    pub const ALL: [Self; 7] = [
        Self::SqlInjection,
        Self::CrossSiteScripting,
        Self::CommandInjection,
        Self::PathTraversal,
        Self::OpenRedirect,
        Self::Secret,
        Self::BlockingDialog,
    ];

    /// The stable rule name.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::SqlInjection => "sql-injection",
            Self::CrossSiteScripting => "cross-site-scripting",
            Self::CommandInjection => "command-injection",
            Self::PathTraversal => "path-traversal",
            Self::OpenRedirect => "open-redirect",
            Self::Secret => "secret",
            Self::BlockingDialog => "blocking-dialog",
        }
    }

    /// The CWE number; blocking dialogs are a quality class without one.
    pub const fn cwe(self) -> Option<u32> {
        match self {
            Self::SqlInjection => Some(89),
            Self::CrossSiteScripting => Some(79),
            Self::CommandInjection => Some(78),
            Self::PathTraversal => Some(22),
            Self::OpenRedirect => Some(601),
            Self::Secret => Some(798),
            Self::BlockingDialog => None,
        }
    }

    /// How bad a proven finding is. All seven block.
    pub const fn severity(self) -> Severity {
        Severity::Fatal
    }

    /// What is wrong, in one sentence.
    pub const fn message(self) -> &'static str {
        match self {
            Self::SqlInjection => {
                "Input becomes part of the text of a database query, so it can change what the query does."
            }
            Self::CrossSiteScripting => {
                "Input becomes markup without escaping, so it can run script in the reader's browser."
            }
            Self::CommandInjection => {
                "Input decides what a process runs, so it can run other commands."
            }
            Self::PathTraversal => {
                "Input names the file that is opened, so `../` or an absolute path reaches other files."
            }
            Self::OpenRedirect => {
                "Input names where the browser is sent, so a link to this site can lead to another."
            }
            Self::Secret => "A credential stands in the source.",
            Self::BlockingDialog => {
                "A browser-native dialog blocks the page and can't be styled, tested or suppressed."
            }
        }
    }

    /// The same where nothing shows that input gets there.
    pub const fn warning(self) -> &'static str {
        match self {
            Self::SqlInjection => {
                "A value of unknown origin becomes part of the text of a database query; if it is input, it can change what the query does."
            }
            Self::CrossSiteScripting => {
                "A value of unknown origin becomes markup without escaping; if it is input, it can run script in the reader's browser."
            }
            Self::CommandInjection => {
                "A value of unknown origin becomes part of a command line; if it is input, it can run other commands."
            }
            _ => self.message(),
        }
    }

    /// How to mend it, in one or two sentences.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::SqlInjection => {
                "Bind the value as a parameter (`?`, `$1`, `%s` with a separate argument) instead of building the text; take table and column names from an allow-list."
            }
            Self::CrossSiteScripting => {
                "Set it as text (`textContent`, an auto-escaping template) or escape it for exactly this context."
            }
            Self::CommandInjection => {
                "Run a fixed program with an argument list and no shell, and take choices from an allow-list."
            }
            Self::PathTraversal => {
                "Resolve the path, then check that it is still below the intended folder; or use only the base name."
            }
            Self::OpenRedirect => {
                "Redirect to a fixed or allow-listed target, or check that the target is a path on this host."
            }
            Self::Secret => {
                "Remove it, read it from the environment or a secret store, and revoke it: it counts as leaked."
            }
            Self::BlockingDialog => "Use the page's own dialog component, or a `<dialog>` element.",
        }
    }

    /// This category's bit in a [`CategorySet`].
    pub(crate) const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// A set of categories, such as those a value has been cleaned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct CategorySet(pub(crate) u16);

impl CategorySet {
    /// No category.
    pub(crate) const NONE: Self = Self(0);
    /// Every category.
    pub(crate) const EVERY: Self = Self(0xffff);
    /// Text or a number, so that it can't be an operator in a query document.
    pub(crate) const DOCUMENT: Self = Self(0x80);
    /// What the person at the machine or page gave, or a harmless form: it does no
    /// harm as the name of a program or as a selector.
    pub(crate) const INDIRECT: Self = Self(0x100);

    /// Where the reader is: as a whole it leads nowhere else. What is cut out of it or put
    /// in front of it is no longer that.
    pub(crate) const OWN_PAGE: Self = Self(0x200);

    /// A part of a path between two slashes: it climbs nowhere unless it is `..`.
    pub(crate) const SEGMENT: Self = Self(0x400);

    /// The page's anchor: as a whole it begins with `#`, so that jQuery selects by it.
    pub(crate) const ANCHOR: Self = Self(0x800);

    /// It stands in the page as an address that is followed or loaded: it does no harm as
    /// another element's.
    pub(crate) const ADDRESS: Self = Self(0x1000);

    /// What no longer holds of a part of a value, or of more than it.
    const OF_THE_WHOLE: Self = Self(Self::OWN_PAGE.0 | Self::SEGMENT.0 | Self::ANCHOR.0);

    /// The set of just these.
    pub(crate) fn of(categories: &[Category]) -> Self {
        Self(categories.iter().fold(0, |bits, category| bits | category.bit()))
    }

    /// Everything that is not in it.
    pub(crate) const fn complement(self) -> Self {
        Self(!self.0 & !Self::OF_THE_WHOLE.0 & !Self::ADDRESS.0)
    }

    /// The set for a part of the value, or for more than it.
    pub(crate) const fn of_part(self) -> Self {
        if self.0 == Self::EVERY.0 { self } else { Self(self.0 & !Self::OF_THE_WHOLE.0) }
    }

    /// Whether all of `other` is in the set.
    pub(crate) const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether `category` is in the set.
    pub(crate) const fn holds(self, category: Category) -> bool {
        self.0 & category.bit() != 0
    }

    /// Everything in either.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Everything in both.
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
