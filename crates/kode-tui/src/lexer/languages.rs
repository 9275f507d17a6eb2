//! The surface of each language: how comments and strings begin and end, and
//! the words it keeps. Tables only; the lexer reads them.

/// How a language looks.
#[derive(Debug)]
pub(super) struct Language {
    /// What begins a comment to the end of the line.
    pub(super) line_comments: &'static [&'static str],
    /// What begins and ends a comment over lines.
    pub(super) block_comments: &'static [(&'static str, &'static str)],
    /// What begins and ends a string over lines; longer ones first.
    pub(super) long_strings: &'static [(&'static str, &'static str)],
    /// Quotes of strings that end with their line.
    pub(super) quotes: &'static str,
    /// Whether `'x'` is a character but a lone `'` is none, as before a lifetime.
    pub(super) has_characters: bool,
    /// Kept words, between spaces.
    pub(super) words: &'static str,
    /// Whether `<tag` and `</tag` are words.
    pub(super) has_tags: bool,
}

const PLAIN: Language = Language {
    line_comments: &[],
    block_comments: &[],
    long_strings: &[],
    quotes: "",
    has_characters: false,
    words: "",
    has_tags: false,
};

const C_LIKE: Language = Language {
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    quotes: "\"'",
    words: " auto bool break case catch char class const constexpr continue default delete do double \
        else enum explicit extern false float for friend goto if inline int long namespace new nullptr \
        operator private protected public register return short signed sizeof static struct switch \
        template this throw true try typedef typename union unsigned using virtual void volatile while \
        NULL #include #define #ifdef #ifndef #endif #if #else ",
    ..PLAIN
};

const RUST: Language = Language {
    quotes: "\"",
    has_characters: true,
    long_strings: &[("r##\"", "\"##"), ("r#\"", "\"#")],
    words: " as async await break const continue crate dyn else enum extern false fn for if impl in let \
        loop match mod move mut pub ref return self Self static struct super trait true type unsafe use \
        where while Some None Ok Err ",
    ..C_LIKE
};

const GO: Language = Language {
    long_strings: &[("`", "`")],
    words: " break case chan const continue default defer else fallthrough false for func go goto if \
        import interface map nil package range return select struct switch true type var ",
    ..C_LIKE
};

const JAVA_LIKE: Language = Language {
    long_strings: &[("\"\"\"", "\"\"\"")],
    words: " abstract as assert boolean break byte case catch char class const continue data def default \
        do double else enum extends extension false final finally float for fun func guard if implements \
        import in init instanceof int interface internal is let long native new null object open operator \
        override package private protected public record return sealed short static string super switch \
        synchronized this throw throws trait true try typealias using val var void volatile when where \
        while yield async await namespace nil self struct virtual ",
    ..C_LIKE
};

const SCRIPT: Language = Language {
    long_strings: &[("`", "`")],
    words: " abstract any as async await boolean break case catch class const continue debugger declare \
        default delete do else enum export extends false finally for from function get if implements \
        import in instanceof interface is keyof let namespace never new null number of private protected \
        public readonly return set static string super switch this throw true try type typeof undefined \
        unknown var void while with yield ",
    ..C_LIKE
};

const PHP: Language = Language {
    line_comments: &["//", "#"],
    words: " abstract and array as break case catch class clone const continue declare default do echo \
        else elseif enum extends false final finally fn for foreach function global if implements include \
        instanceof interface isset list match namespace new null or private protected public readonly \
        require require_once return static switch this throw trait true try unset use var while xor yield ",
    ..C_LIKE
};

const PYTHON: Language = Language {
    line_comments: &["#"],
    long_strings: &[("\"\"\"", "\"\"\""), ("'''", "'''")],
    quotes: "\"'",
    words: " and as assert async await break case class continue def del elif else except False finally \
        for from global if import in is lambda match None nonlocal not or pass raise return self True try \
        while with yield ",
    ..PLAIN
};

const RUBY: Language = Language {
    line_comments: &["#"],
    block_comments: &[("=begin", "=end")],
    quotes: "\"'`",
    words: " alias and begin break case class def defined? do else elsif end ensure false for if in \
        module next nil not or redo require rescue retry return self super then true undef unless until \
        when while yield attr_reader attr_accessor ",
    ..PLAIN
};

const SHELL: Language = Language {
    line_comments: &["#"],
    quotes: "\"'`",
    words: " case do done elif else esac export fi for function if in local readonly return select set \
        shift then unset until while FROM RUN COPY CMD ENTRYPOINT ENV WORKDIR ARG ",
    ..PLAIN
};

const SETTINGS: Language = Language {
    line_comments: &["#", ";"],
    quotes: "\"'",
    words: " true false null yes no on off ",
    ..PLAIN
};

const JSON: Language = Language { words: " true false null ", ..C_LIKE };

const STYLES: Language = Language {
    line_comments: &[],
    words: " important import media supports keyframes from to and not only none auto inherit initial \
        unset ",
    ..C_LIKE
};

const MARKUP: Language =
    Language { block_comments: &[("<!--", "-->")], quotes: "\"", has_tags: true, ..PLAIN };

const SQL: Language = Language {
    line_comments: &["--"],
    words: " add all alter and as asc begin between by case check commit constraint create default delete \
        desc distinct drop else end exists foreign from group having if in index inner insert into is join \
        key left like limit not null on or order outer primary references right rollback select set table \
        then union unique update values view when where with ADD ALL ALTER AND AS ASC BEGIN BETWEEN BY CASE \
        CHECK COMMIT CONSTRAINT CREATE DEFAULT DELETE DESC DISTINCT DROP ELSE END EXISTS FOREIGN FROM GROUP \
        HAVING IF IN INDEX INNER INSERT INTO IS JOIN KEY LEFT LIKE LIMIT NOT NULL ON OR ORDER OUTER PRIMARY \
        REFERENCES RIGHT ROLLBACK SELECT SET TABLE THEN UNION UNIQUE UPDATE VALUES VIEW WHEN WHERE WITH ",
    ..C_LIKE
};

const LUA: Language = Language {
    line_comments: &["--"],
    long_strings: &[("[[", "]]")],
    quotes: "\"'",
    words: " and break do else elseif end false for function goto if in local nil not or repeat return \
        then true until while ",
    ..PLAIN
};

static TABLE: [(&str, Language); 16] = [
    (" rs rust ", RUST),
    (" go ", GO),
    (" c h cc cpp cxx hpp hh m mm proto ", C_LIKE),
    (" java kt kts scala swift cs csharp dart groovy gradle kotlin ", JAVA_LIKE),
    (" js mjs cjs jsx ts mts cts tsx javascript typescript ", SCRIPT),
    (" php ", PHP),
    (" py pyi python ", PYTHON),
    (" rb ruby rake gemspec ", RUBY),
    (" sh bash zsh fish shell console dockerfile makefile mk pl r ", SHELL),
    (" toml yaml yml ini cfg conf env properties tf hcl ", SETTINGS),
    (" json jsonc json5 ", JSON),
    (" css scss less ", STYLES),
    (" html htm xml svg vue svelte xhtml ", MARKUP),
    (" sql ", SQL),
    (" lua hs elm ", LUA),
    ("", PLAIN),
];

/// The language of a file's name, of its ending, or of a code block's label.
pub(super) fn of(name: &str) -> &'static Language {
    let last = name.rsplit('/').next().unwrap_or_default();
    let ending = last.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let wanted = format!(" {ending} ");
    let found = TABLE.iter().find(|(names, _)| !ending.is_empty() && names.contains(&wanted));
    &found.unwrap_or(&TABLE[TABLE.len() - 1]).1
}
