//! Programs and notations that take a password, and where it stands after them.
//! Facts of their manuals; what stands there is judged elsewhere.

/// How a program takes its password.
#[derive(Debug, Clone, Copy)]
pub(super) enum Taken {
    /// After an option, and whether the value is written at the option.
    Option(&'static str, bool),
    /// After the separator in an option's value.
    User(&'static [&'static str], u8),
    /// Quoted, piped into a program that logs in.
    Piped,
    /// The next literal.
    Next,
    /// `user:password` before it.
    Before,
    /// Directly behind it.
    Behind,
    /// The next literal is `user:password`.
    Pair,
    /// The word at this place, from 0, options not counted.
    Word(usize),
    /// The last word that is neither an option nor a place, where an option with this
    /// letter (any, if zero) says that there is one.
    Last(u8),
    /// `user/password@database`.
    Slash,
}

/// How each begins, lower case.
pub(super) const COMMANDS: [(&str, Taken); 65] = [
    ("curl ", Taken::User(&["-u ", "--user ", "--user=", "-u", "--proxy-user ", "-U "], b':')),
    ("mysql ", Taken::Option("-p", true)),
    ("mysqldump ", Taken::Option("-p", true)),
    ("mysqladmin ", Taken::Option("-p", true)),
    ("7z ", Taken::Option("-p", true)),
    ("sshpass ", Taken::Option("-p", false)),
    ("docker login ", Taken::Option("-p", false)),
    ("podman login ", Taken::Option("-p", false)),
    ("mongo ", Taken::Option("-p", false)),
    ("mongodump ", Taken::Option("-p", false)),
    ("az login ", Taken::Option("-p", false)),
    ("oc login ", Taken::Option("-p", false)),
    ("redis-cli ", Taken::Option("-a", false)),
    ("ldapsearch ", Taken::Option("-w", false)),
    ("ldapadd ", Taken::Option("-w", false)),
    ("openssl enc ", Taken::Option("-k", false)),
    ("sqlcmd ", Taken::Option("-P", false)),
    ("zip ", Taken::Option("-P", false)),
    ("gh secret set ", Taken::Option("--body", false)),
    ("put-parameter ", Taken::Option("--value", false)),
    ("echo ", Taken::Piped),
    ("identified by ", Taken::Next),
    ("convertto-securestring ", Taken::Next),
    ("@tcp(", Taken::Before),
    ("{noop}", Taken::Behind),
    ("curlopt_userpwd", Taken::Pair),
    ("pycurl.userpwd", Taken::Pair),
    ("skopeo ", Taken::User(&["--creds", "--src-creds", "--dest-creds"], b':')),
    ("smbclient ", Taken::User(&["-U"], b'%')),
    ("lftp ", Taken::User(&["-u"], b',')),
    ("htpasswd ", Taken::Last(b'b')),
    ("net use ", Taken::Last(0)),
    ("net user ", Taken::Word(1)),
    ("vault login ", Taken::Word(0)),
    ("cargo login ", Taken::Word(0)),
    ("--encrypt ", Taken::Word(0)),
    ("rabbitmqctl add_user ", Taken::Word(1)),
    ("rabbitmqctl change_password ", Taken::Word(1)),
    ("sentinel auth-pass ", Taken::Word(1)),
    ("wpa_passphrase ", Taken::Word(1)),
    ("mc alias set ", Taken::Word(3)),
    ("mc config host add ", Taken::Word(3)),
    ("sqlplus ", Taken::Slash),
    ("expdp ", Taken::Slash),
    ("impdp ", Taken::Slash),
    ("rman target ", Taken::Slash),
    ("mongosh ", Taken::Option("-p", false)),
    ("mongorestore ", Taken::Option("-p", false)),
    ("cqlsh ", Taken::Option("-p", false)),
    ("beeline ", Taken::Option("-p", false)),
    ("ipmitool ", Taken::Option("-P", false)),
    ("mosquitto_pub ", Taken::Option("-P", false)),
    ("mosquitto_sub ", Taken::Option("-P", false)),
    ("plink ", Taken::Option("-pw", false)),
    ("pscp ", Taken::Option("-pw", false)),
    ("ldapmodify ", Taken::Option("-w", false)),
    ("helm registry login ", Taken::Option("-p", false)),
    ("nmcli ", Taken::Option("password", false)),
    ("twine upload ", Taken::Option("-p", false)),
    ("snmpwalk ", Taken::Option("-A", false)),
    ("snmpget ", Taken::Option("-A", false)),
    ("sudo -s <<< ", Taken::Behind),
    ("ssh-keygen ", Taken::Option("-N", false)),
    ("xfreerdp ", Taken::Option("/p:", true)),
    ("cmdkey ", Taken::Option("/pass:", true)),
];
