//! Every rule's own samples, and what must stay quiet.

use kode_base::ProjectPath;

use super::rules::RULES;
use super::services::SERVICES;
use super::*;

fn rules_found(path: &str, text: &str) -> Vec<String> {
    let path = ProjectPath::new(path).unwrap();
    find(&path, text.as_bytes()).into_iter().map(|hit| hit.rule).collect()
}

/// Samples hold `¦` so that they are no credentials where they stand.
fn sample(text: &str) -> String {
    text.replace('¦', "")
}

#[test]
fn every_provider_rule_finds_its_samples() {
    assert!(RULES.len() > 80);
    for rule in RULES.iter() {
        assert!(rule.regex().is_some(), "{} does not compile", rule.id);
        for text in &rule.detects {
            let line = format!("const value = \"{}\";\n", sample(text));
            assert!(rules_found("a.js", &line).contains(&rule.id), "{} misses {text}", rule.id);
        }
        for text in &rule.ignores {
            let line = format!("const value = \"{}\";\n", sample(text));
            assert_eq!(rules_found("a.js", &line), Vec::<String>::new(), "{} on {text}", rule.id);
        }
    }
}

/// A pattern's plain head is only certain where no alternative stands beside it.
#[test]
fn no_pattern_has_alternatives_outside_a_group() {
    for rule in RULES.iter() {
        let (mut depth, mut escaped) = (0, false);
        for byte in rule.pattern.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b'|' => assert!(depth > 0, "{}", rule.id),
                _ => {}
            }
        }
    }
}

#[test]
fn every_service_rule_finds_its_samples() {
    assert!(SERVICES.len() > 50);
    for service in SERVICES.iter() {
        assert!(service.regex().is_some(), "{} does not compile", service.id);
        for text in &service.detects {
            let name = service.detects.first().map(|_| service.id.replace('-', "_")).unwrap();
            let line = format!("{name}_api_token = \"{}\"\n", sample(text));
            let found = rules_found("settings.py", &line);
            assert!(!found.is_empty(), "{} misses {line}", service.id);
        }
    }
}

#[test]
fn secret_names_with_random_values_are_found_in_any_format() {
    for (path, line) in [
        ("a.ts", "const apiKey: string = 'k3Jd82hTqPz71LmVb';"),
        // A door that opens to one written value.
        ("a.ts", "if (token === 'k3Jd82hTqPz71LmVb') {}"),
        ("a.java", "if (password.equals(\"Tr0ub4dor!9x\")) {}"),
        ("a.rs", "builder.password(\"Tr0ub4dor!9x\")"),
        ("a.py", "SECRET_KEY = \"k3Jd82hTqPz71LmVb\""),
        ("a.go", "dbPassword := \"Tr0ub4dor!9x\""),
        ("a.java", "private static final String AUTH_TOKEN = \"k3Jd82hTqPz71LmVb\";"),
        (".env", "API_KEY=k3Jd82hTqPz71LmVb"),
        ("a.yml", "  client_secret: k3Jd82hTqPz71LmVb"),
        ("a.json", "{\"accessToken\": \"k3Jd82hTqPz71LmVb\"}"),
        ("a.toml", "api-key = \"k3Jd82hTqPz71LmVb\""),
        ("a.js", "const key = process.env.API_KEY || 'k3Jd82hTqPz71LmVb';"),
        ("a.java", "source.setPassword(\"Tr0ub4dor!9x\");"),
        ("a.c", "#define API_TOKEN \"k3Jd82hTqPz71LmVb\""),
        ("a.tf", "variable \"api_secret\" {\n  default = \"k3Jd82hTqPz71LmVb\"\n}"),
        ("a.cs", "\"Server=db;User Id=app;Password=Tr0ub4dor!9x;\""),
        (".netrc", "machine git.acme.io login x password Tr0ub4dor!9x"),
        ("a.cs", "\"Password=Tr0ub4dor9x;Server=db\""),
        ("router.cfg", "username admin password 0 Tr0ub4dor!9x"),
        ("sys.config", "{password, \"Tr0ub4dor!9x\"}"),
        ("a.sh", "echo \"The password is 'Tr0ub4dor!9x'\""),
        ("a.gradle", "buildConfigField 'String' , 'API_KEY' , '\"k3Jd82hTqPz71LmVb\"'"),
        ("a.ini", "password = Rocket_6538"),
        ("a.php", "$mail->Password = 'qzlr wbkn xmpd jtvc';"),
        ("a.js", "auth: { user: 'a@acme.io', pass: 'qzlrwbknxmpdjtvc' }"),
        ("a.py", "PASSWORD = 'ZfOjUStEkU'"),
        ("a.php", "define('NONCE_SALT', 'F4H-TX>nx/{~Sjd1]@h6o~=D6S$lQ:eJ]^<Qq_v3/N4F!Xd#Gp');"),
        ("a.ps1", "New-Object DirectoryEntry(\"LDAP://10.0.0.1\",\"x\", \"Tr0ub4dor!9x\")"),
        ("a.sh", "curl -H 'Authorization: Api-Token k3Jd82hTqPz71LmVb4Rn' https://a.acme.io"),
        ("a.json", "{\"auth\": \"d00e78ecfdb2f23f696383032fda32e1a5fd8fb9\"}"),
        (
            "a.json",
            "{\n \"commit\": \"166a1e3aceb40e86b99b35301034b98616ed25ff\",\n \"apiToken\": \"d00e78ecfdb2f23f696383032fda32e1a5fd8fb9\"\n}",
        ),
        ("a.json", "{\"token\": \"sha256-28ET6Lnf\"}"),
        ("a.md", "    curl -u ci:k3Jd82hTqPz71LmVb4Rn https://ci.acme.io/run"),
        ("A.java", "String BOOT_PASSWORD = \"XBM06.D7q\";"),
        ("pom.xml", "<managerKey>bc87a3fd0a54480f0badbebd21939ff0ca2a6567</managerKey>"),
        ("contests/db.sql", "connect 'jdbc:x:y;bootPassword=xyz1234abc';"),
        ("a.js", "url('https://acme.io/a?user=b&password=Tr0ub4dor9x')"),
        ("a.go", "db(\"postgres://scott:k3Jd82hTq@db1:5432/test\")"),
        ("latest/a.py", "password = 'hunter2hunter2'"),
        ("A.java", "\"hunter2hunter2\".equals(password)"),
        ("a.java", "Map.of(\"user\", \"admin\", \"password\", \"Sup3rS3cretX\")"),
        ("a.java", "String password = \"log4j2.8trustStoreX9\";"),
        ("a.py", "api_key = 'AESx9Kq2mZ81vBnQ44tLw'"),
        ("a.json", "{\"clientToken\": \"k3Jd82hTqPz71LmVb4Rn\"}"),
    ] {
        assert_eq!(rules_found(path, line).len(), 1, "{path}: {line}");
    }
}

#[test]
fn names_words_and_references_are_no_secrets() {
    for (path, line) in [
        ("a.ts", "const apiKey = process.env.API_KEY;"),
        ("a.ts", "const tokenType = 'k3Jd82hTqPz71LmVb';"),
        ("a.ts", "const publicKey = 'k3Jd82hTqPz71LmVb';"),
        ("a.py", "password = 'current-password'"),
        ("a.py", "token = get_token('k3Jd82hTqPz71LmVb2')"),
        ("a.py", "SECRET_NAME = 'my-service-secret-2'"),
        (".env", "API_KEY=${API_KEY}"),
        ("a.md", "    curl -u ci:s3cretPassword https://ci.acme.io/run"),
        ("a.rs", "const KEY: &str = \"000102030405060708090a0b0c0d0e0f\";"),
        ("a.js", "const secret = 'JBSWY3DPEHPK3PXP';"),
        ("a.yml", "password: your-password1"),
        ("a.json", "{\"passwordField\": \"k3Jd82hTqPz71LmVb\"}"),
        ("tests/login.py", "password = 'hunter2hunter2'"),
        ("a.js", "this.addPassword = '#add-password';"),
        ("a.js", "this.flowErrors = ['newPassword','ne2Password']"),
        ("a.js", "x?n.metaKey=!0:n.ctrlKey=!0:n.keyOrCode=e"),
        ("a.js", "headers = {Authorization: 'Client-ID k3Jd82hTqPz71LmVb4Rn'}"),
        ("a.ts", "authorization: 'https://www.acme.io/v11.0/dialog/oauth?scope=email'"),
        ("a.c", "server->password = \"busybox@\";"),
        ("a.py", "unitKey = \"heightOfGeoidAboveWGS84Units\""),
        ("a.py", "key = 'a11y_aria_activedescendant_has_tabindex'"),
        ("a.properties", "spring.datasource.password=@db.password1@"),
        ("a.yml", "- echo 'export DATABASE_PASSWORD=\"'$PRECOMPILE_PASSWORD1'\"' >> .env"),
        ("a.ini", "password = Version_2023"),
        (
            "a.js",
            "mapboxgl.accessToken = 'pk.eyJ1IjoiseiDiFVbqonaugkiZDFW3CuYEwHyqL3mE3mXxgcRE0rj.tMmM63kvvEJGnLWxWCYnaO';",
        ),
        ("a.json", "{\"integrityToken\": \"sha256-28ET6Lnf/rPzhdZ2XSxHOI+lfTAMa8Koh5K9I5/Qusg=\"}"),
        (
            "versions.json",
            "{\n \"api\": \"166a1e3aceb40e86b99b35301034b98616ed25ff\",\n \"auth\": \"d00e78ecfdb2f23f696383032fda32e1a5fd8fb9\",\n \"secrets-operator\": \"8f2e91f7083a5f807ce70e770690699c2c1e2ef7\"\n}",
        ),
        ("A.java", "String SERVICE_WRONG_BOOT_PASSWORD = \"XBM06.D7\";"),
        ("A.java", "String NET_PASSWORD_TOO_LONG = \"08001.C.12\";"),
        ("a.properties", "cvspass=org.apache.tools.ant.taskdefs.CVSPass"),
        (
            "pom.xml",
            "<releaseManagerKey>BC87A3FD0A54480F0BADBEBD21939FF0CA2A6567</releaseManagerKey>",
        ),
        ("a.go", "x := string(MD5Crypt([]byte(s.BasicPass), []byte(\"dlPL2MqE\")))"),
        ("functionTests/master/a.out", "connect 'jdbc:x:y;bootPassword=xyz1234abc';"),
        ("a.js", "32===e.c?;o.key=s.C0.NUL:e.keyCode>=51&&e.keyCode<=55?o.q=4"),
        ("a.go", "FindingS3Credentials = \"SensitiveData:S3Object/Credentials\""),
        ("setup.cfg", "mssql = mssql+pyodbc://scott:tiger^5HHH@mssql2022:1433/test"),
        ("greentest/a.py", "password = 'hunter2hunter2'"),
        ("a.json", "{\"auth\": [\"aws.auth#sigv4\"]}"),
        ("A.java", "String trustStorePassword = \"log4j2.trustStorePassword\";"),
        ("A.java", "String X_KEY = \"org.eclipse.jetty.websocket.jsr356.addDynamicFilter\";"),
        ("A.java", "String KEY_CIPHER = \"PBEWithSHAAnd3-KeyTripleDES-CBC\";"),
        ("a.py", "c.setdefault(\"id_token_encrypted_response_enc\", \"A128CBC-HS256\")"),
        ("a.py", "__all__ = (\"BaseJWTAuth\", \"JWTAuth\", \"JWTCookieAuth\", \"OAuth2Login\")"),
        ("a.py", "x('viGpib', 'viA', 'viB8', 'viGpibPass', 'viIn8', 'viIn16', 'viL', 'viM')"),
        ("a.json", "{\"ChangeToken\": \"abcd12f2-46da-4fdb-b8d5-fbd4c466928f\"}"),
        ("a.py", "httpx.URL('https://jo%40email.com:a%20secret@acme.de:1234/x')"),
    ] {
        assert_eq!(rules_found(path, line), Vec::<String>::new(), "{path}: {line}");
    }
}

#[test]
fn a_message_never_holds_the_whole_secret() {
    let key = sample("AKIA¦WHP2E6FUJ¦FONXAW3");
    let path = ProjectPath::new("a.txt").unwrap();
    let found = inspect(0, &path, &path, key.as_bytes());
    assert_eq!(found.len(), 1);
    assert!(!found[0].message.contains(&key) && !found[0].message.contains(&key[..8]));
}

#[test]
fn a_private_key_needs_a_body() {
    let header = "-----BEGIN RSA PRIVATE ¦KEY-----\n";
    let body = "MIIEpAIBAAKCAQEA7bq3vX9kQm2Lr8TzP5sWc1Yd4Hf6Jg0Nn\nKxUoEiRtVwZyBaCbDe3F7G9h1I5j2Kq4L6mM8nOp";
    let whole = sample(&format!("{header}{body}\n-----END RSA PRIVATE ¦KEY-----\n"));
    assert_eq!(rules_found("id_rsa", &whole), ["private-key"]);
    assert_eq!(rules_found("id_rsa", &sample(header)), Vec::<String>::new());
    // A header as code compares it, and code behind it.
    let code = "e.startsWith(t)||a.b.call(this,n)?(r=!0,i.parse(e)):o.push(k);".repeat(9);
    let compared = sample(&format!("t=\"-----BEGIN RSA PRIVATE ¦KEY-----\",{code}"));
    assert_eq!(rules_found("a.js", &compared), Vec::<String>::new());
}

#[test]
fn odd_bytes_and_utf16_hide_no_secret() {
    let path = |name: &str| ProjectPath::new(name).unwrap();
    for odd in [&b"\0"[..], b"\xe9", b"\0\0\0"] {
        let text = [b"# caf", odd, b"\nAPI_KEY = 'k3Jd82hTqPz71LmVb'\n"].concat();
        assert_eq!(find(&path("a.py"), &text).len(), 1, "{odd:?}");
        assert_eq!(find(&path("settings.ini"), &text).len(), 1, "{odd:?}");
    }
    let key = sample("AKIA¦WHP2E6FUJ¦FONXAW3");
    let text = format!("\u{feff}key: {key}\n");
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found = inspect(0, &path("a.txt"), &path("a.txt"), &bytes);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].start, found[0].end), (12, 12 + 2 * key.len()));
    let prose: Vec<u8> = "\u{feff}no key here".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(inspect(0, &path("a.txt"), &path("a.txt"), &prose).is_empty());
}

#[test]
fn a_key_in_a_path_is_found() {
    let key = sample("AKIA¦WHP2E6FUJ¦FONXAW3");
    let path = |text: &str| ProjectPath::new(text).unwrap();
    assert_eq!(inspect(0, &path(&format!("keys/{key}/a.txt")), &path("a.txt"), b"").len(), 1);
    assert_eq!(inspect(0, &path("keys/AKIA/a-long-name-of-a-file.txt"), &path("a.txt"), b""), []);
}

#[test]
fn a_keyword_in_every_place_does_not_take_long() {
    let started = std::time::Instant::now();
    for unit in ["a|", "a|b q~ ", "sk-", "://a:b@", "curl -u a:", "token=", "-us1-us"] {
        let text = unit.repeat(200_000 / unit.len());
        rules_found("a.txt", &text);
    }
    // Twenty times what a busy machine takes without optimization; what looks at the
    // whole rest from every place takes minutes.
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn keys_of_manuals_and_tests_warn_and_a_named_folder_is_no_test() {
    let path = |text: &str| ProjectPath::new(text).unwrap();
    let line = b"api_key = 'f4Kd93JslQ02mXz81LpQwErT'";
    let key = |place: &str| inspect(0, &path("tests/a.py"), &path(place), line).len();
    assert_eq!(key("a.py"), 1);
    let body = "GTd7FguoV8FWnFbB0JxXujr4qqaaABvvLOzAxzXMcU1vsHiQMaRiNTN9Ox98whGc";
    let pem = sample(&format!("-----BEGIN PRIVATE ¦KEY-----\n{body}\n-----END PRIVATE KEY-----\n"));
    let severity = |place: &str| {
        let found = inspect(0, &path(place), &path(place), pem.as_bytes());
        found.first().map(|found| found.severity)
    };
    assert_eq!(severity("server.key"), Some(Severity::Fatal));
    assert_eq!(severity("README.md"), Some(Severity::Fatal));
    assert_eq!(severity("tests/certs/server.key"), Some(Severity::Warning));
    assert_eq!(severity("docs/tls.rst"), Some(Severity::Warning));
}

#[test]
fn code_on_a_bundlers_long_line_is_no_value() {
    let bundle = |text: &str| format!("{}{text}{}", "a=b;".repeat(600), "c=d;".repeat(600));
    for text in [
        "normalizedRequestKey=tree.segment===_shared9lib_segment",
        "\"Password\",v:function(){var e9=this}",
    ] {
        assert_eq!(rules_found("a.js", &bundle(text)), Vec::<String>::new(), "{text}");
    }
    assert_eq!(rules_found("a.js", &bundle("x={apiKey:\"f4Kd93JslQ02mXz81LpQwErT\"};")).len(), 1);
}

#[test]
fn what_is_made_of_a_secret_or_public_is_told_from_it() {
    for (path, line) in [
        ("a.py", "conn.simple_bind_s('cn=admin,dc=acme', 'Tr0ub4dor!9x')"),
        ("top.sls", "mysql:\n  root_password: k3Jd82hTqPz71LmVb"),
        ("a.yml", "password: '*Tr0ub4dor'"),
        ("a.py", "key = '9f86d081884c7d659a2feaa0c55ad015'"),
        ("a.json", "{\"password\": \"alt+Tr0ub4dor9x\"}"),
        (
            "a.py",
            "HMAC_SHA256_KEY = '55cd4b372f824d6cdef57c7648463fc52f9cd8571a7b54e82ca3d75648980ac0'",
        ),
        (
            "a.js",
            "const privateKey = '0x478cfd4f4abe8a5ebe429668e8416cb317b608ee5a63da687a47d2fc245d26b1';",
        ),
        (
            "a.json",
            "{\"refreshToken\": \"722ba0106857bd80be0da5350d570f7b38dcf4e2a7fb19385a3dae093ac2b6d6\"}",
        ),
        ("a.json", "{\"password\": \"Login_pass!__9u0jN\"}"),
    ] {
        assert_eq!(rules_found(path, line).len(), 1, "{path}: {line}");
    }
    for (path, line) in [
        ("a.yml", "x:\n  password: *db_password\n"),
        (
            "a.py",
            "V = [{'key': '9f86d081884c7d659a2feaa0c55ad015', 'ciphertext': 'a0c55ad0159f86d0'}]",
        ),
        ("a.ts", "const keys = { passwordToggle: 'alt+f8' };"),
        (
            "a.rs",
            "const TOKEN_BLAKE3: &str = \"55cd4b372f824d6cdef57c7648463fc52f9cd8571a7b54e82ca3d75648980ac0\";",
        ),
        (
            "a.yml",
            "image: acme/vault-token:v1@sha256:55cd4b372f824d6cdef57c7648463fc52f9cd8571a7b54e82ca3d75648980ac0",
        ),
        (
            "a.py",
            "TOKEN_SHA256 = '55cd4b372f824d6cdef57c7648463fc52f9cd8571a7b54e82ca3d75648980ac0'",
        ),
        (
            "a.py",
            "password_sha_256_hex = '55cd4b372f824d6cdef57c7648463fc52f9cd8571a7b54e82ca3d75648980ac0'",
        ),
        ("a.go", "const secretFileMd5 = \"d00e78ecfdb2f23f696383032fda32e1\""),
        (".secrets.baseline", "\"hashed_secret\": \"c7db3bafcb41b9fbe196b34927ed16b4e14f9427\""),
        ("a.go", "var authTokenDigest = \"d00e78ecfdb2f23f696383032fda32e1a5fd8fb9\""),
        (
            "a.js",
            "const tokenTx = '0x478cfd4f4abe8a5ebe429668e8416cb317b608ee5a63da687a47d2fc245d26b1';",
        ),
        (
            "a.json",
            "{\"resetPassword\": \"722ba0106857bd80be0da5350d570f7b38dcf4e2a7fb19385a3dae093ac2b6d6\"}",
        ),
        (
            "a.json",
            "{\"password\": \"Login_password__9u0jN\", \"secretKey\": \"_secretKey_1x2y3_12\"}",
        ),
        ("a.py", "User(password='$2b$12$k3Jd82hTqPz71LmVb4Rn6Yw0Xc5Gs9Fa2Ue8Io1Hp7Zt3Kq5Wv')"),
        ("A.java", "put(\"Alg.Alias.SecretKeyFactory.PBKDF2WITH8BIT\", \"PBKDF2WITHASCII\");"),
    ] {
        assert_eq!(rules_found(path, line), Vec::<String>::new(), "{path}: {line}");
    }
    let plain = "\"client_secret\": \"c7db3bafcb41b9fbe196b34927ed16b4e14f9427\"";
    assert!(!rules_found("a.json", plain).is_empty());
}
