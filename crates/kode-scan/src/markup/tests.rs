//! Tests of what a browser takes for a script, a tag or text.

use super::*;

/// The bodies of scripts and the attributes of tags, as text.
fn shown(page: &str, form: Form) -> Vec<String> {
    let of = |range: &Range<usize>| page[range.clone()].to_owned();
    let attribute = |it: &Attribute| format!("{}={}", of(&it.name), of(&it.value));
    let mut found = Vec::new();
    for part in parts(page.as_bytes(), form) {
        match part {
            Part::Tag(attributes) => found.extend(attributes.iter().map(attribute)),
            Part::Script { attributes, body, .. } => {
                found.extend(attributes.iter().map(attribute));
                found.push(of(&body));
            }
        }
    }
    found
}

fn html(page: &str) -> Vec<String> {
    shown(page, Form::Html)
}

#[test]
fn text_in_elements_and_comments_is_no_script() {
    for page in [
        "<textarea><script>a()</script></textarea>",
        "<TITLE><script>a()</script></TITLE>",
        "<style>a { b: '<script>a()</script>' }</style>",
        "<xmp><script>a()</script></xmp>",
        "<noscript><p onclick=a()></p></noscript>",
        "<iframe><script>a()</script></iframe>",
        "<!-- <script>a()</script> -->",
        "<!-- x --!><!-- <script>a()</script> -->",
        "<svg><![CDATA[<script>a()</script>]]></svg>",
    ] {
        assert!(html(page).is_empty(), "{page}: {:?}", html(page));
    }
}

#[test]
fn what_a_browser_runs_is_a_script_whatever_stands_around_it() {
    for page in [
        "<textarea></textarea><script>a()</script>",
        "<title>of <script></title><script>a()</script>",
        "<svg><textarea><script>a()</script></textarea></svg>",
        "<svg><title><script>a()</script></title></svg>",
        "<svg><style><script>a()</script></style></svg>",
        "<svg><p><textarea></textarea><script>a()</script>",
        "<textarea><script>a()</script>",
        "<!--><script>a()</script>-->",
        "<!-- <p> <script>a()</script>",
        "<p {><script>a()</script>",
        "<p {{><script>a()</script> }}>",
        "<p x=><script>a()</script>",
        "{#if a<b}<script>a()</script>",
        "<? > <script>a()</script> ?>",
        "<![CDATA[ > <script>a()</script>]]>",
        "<p x='<script>a()</script>",
    ] {
        assert!(html(page).contains(&"a()".to_owned()), "{page}: {:?}", html(page));
    }
    assert_eq!(shown("<title><script>a()</script></title>", Form::Xml), ["a()"]);
    assert_eq!(shown("<script src='x'/><p y='z'/>", Form::Xml), ["src=x", "y=z"]);
}

#[test]
fn a_script_ends_where_a_browser_ends_it() {
    assert_eq!(html("<script>a</scripty>b</script >"), ["a</scripty>b"]);
    let nested = "<script><!-- <script>a</script> b --></script>c";
    assert_eq!(html(nested), ["<!-- <script>a</script> b -->"]);
    assert_eq!(html("<script><!-- a --> '<script>' </script>"), ["<!-- a --> '<script>' "]);
    assert_eq!(html("<script>a('<!-- <script>')</script>b"), ["a('<!-- <script>')"]);
    assert_eq!(html("<script>a"), ["a"]);
}

#[test]
fn attributes_are_read_as_browsers_and_templates_mean_them() {
    assert_eq!(html("<p a=1 b='2'c=\"3\" d e = 4>"), ["a=1", "b=2", "c=3", "e=4"]);
    assert_eq!(html("<p don't title='>' a=1>"), ["title=>", "a=1"]);
    assert_eq!(html("<svg/a=1>"), ["a=1"]);
    assert_eq!(html("<p content=\"x onclick=a()\">"), ["content=x onclick=a()"]);
    assert_eq!(html("<p {% if a > b %}c=1{% endif %} d=2>"), ["c=1", "d=2"]);
    assert_eq!(html("<p <% if (a > b) { %>c=1<% } %> d=2>"), ["c=1", "d=2"]);
    assert_eq!(html("<p @if($a > 1) c=1 @endif d=2>"), ["c=1", "d=2"]);
    assert_eq!(html("<p a=\"<c:url value=\"/x\"/>\" b=1>"), ["a=<c:url value=\"/x\"/>", "b=1"]);
    assert_eq!(html("<p a=\"{{ f(\"x\") }}\" b=1>"), ["a={{ f(\"x\") }}", "b=1"]);
    let svelte = "<p on:click={() => { if (a > '}') b() }} {...rest} c=1>";
    let found = ["on:click=() => { if (a > '}') b() }", "c=1"];
    assert_eq!(shown(svelte, Form::Component), found);
}

/// Nobody waits for one that takes the square of its length.
#[test]
fn a_page_of_tags_that_never_end_is_read_in_the_time_of_another() {
    for mark in ["<a b={", "<a b='", "<textarea>", "<!--", "<svg>", "<script><!--<script>", "<a {{"]
    {
        let page = mark.repeat(60_000);
        assert!(parts(page.as_bytes(), Form::Component).len() <= 60_000, "{mark}");
    }
}
