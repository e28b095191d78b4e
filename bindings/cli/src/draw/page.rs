//! A page in one file: nothing is loaded, nothing is run.

use std::fmt::Write as _;

/// A page under construction.
pub struct Page {
    title: String,
    body: String,
    /// Audio inside the page, which its policy must allow.
    media: bool,
}

const STYLE: &str = "\
:root{color-scheme:light;--ink:#1d1d1f;--soft:#595959;--line:#d8d8d8;--bona:#0072b2;--spoof:#d55e00}\
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:#fff;max-width:62rem;margin:0 auto;\
padding:1.5rem 1rem 4rem}h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.2rem 0 .5rem;\
border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}p,li{max-width:46rem}\
.soft{color:var(--soft)}.small{font-size:.88rem}table{border-collapse:collapse;font-size:.9rem;margin:.5rem 0}caption{text-align:left;\
color:var(--soft);padding-bottom:.2rem}th,td{padding:.25rem .7rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid \
var(--line)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.wide{overflow-x:auto}\
.pictures{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}figcaption{font-size:.88rem;color:var(--soft);max-width:30rem}\
svg{max-width:100%;height:auto}audio{width:100%;margin:.5rem 0}.verdict{border:2px solid;border-radius:.5rem;padding:.9rem 1.1rem;\
margin:1rem 0}.verdict p{margin:.2rem 0}.verdict strong{font-size:1.25rem}.synthetic{border-color:var(--spoof);background:#fdf1e9}\
.bonafide{border-color:var(--bona);background:#eaf4fa}.inconclusive{border-color:#767676;background:#f4f4f4}\
a:focus,audio:focus,summary:focus,[tabindex]:focus{outline:3px solid #005fcc;outline-offset:2px}summary{cursor:pointer}\
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}\
@media print{body{max-width:none;padding:0;font-size:11pt}audio,.skip{display:none}h2{break-after:avoid}figure,tr,.verdict{break-inside:avoid}\
details>*{display:block}}";

impl Page {
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), body: String::new(), media: false }
    }

    /// HTML as it stands.
    pub fn push(&mut self, html: &str) -> &mut Self {
        self.body.push_str(html);
        self.body.push('\n');
        self
    }

    pub fn heading(&mut self, words: &str) -> &mut Self {
        self.push(&format!("<h2>{}</h2>", escape(words)))
    }

    pub fn paragraph(&mut self, words: &str) -> &mut Self {
        self.push(&format!("<p>{}</p>", escape(words)))
    }

    pub fn list(&mut self, items: impl IntoIterator<Item = String>) -> &mut Self {
        let items: Vec<String> = items.into_iter().map(|item| format!("<li>{}</li>", escape(&item))).collect();
        if items.is_empty() { self } else { self.push(&format!("<ul>{}</ul>", items.concat())) }
    }

    /// A table; columns whose head begins with `#` hold numbers.
    pub fn table(&mut self, caption: &str, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> &mut Self {
        let is_number: Vec<bool> = head.iter().map(|name| name.starts_with('#')).collect();
        let class = |n: usize| if is_number.get(n).copied().unwrap_or_default() { " class=\"n\"" } else { "" };
        let mut text =
            format!("<div class=\"wide\" tabindex=\"0\"><table><caption>{}</caption><thead><tr>", escape(caption));
        for (n, name) in head.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "<th scope=\"col\"{}>{}</th>", class(n), escape(name.trim_start_matches('#')));
        }
        text.push_str("</tr></thead><tbody>");
        for row in rows {
            text.push_str("<tr>");
            for (n, cell) in row.iter().enumerate() {
                let _ = match n {
                    0 => write!(text, "<th scope=\"row\"{}>{}</th>", class(n), escape(cell)),
                    _ => write!(text, "<td{}>{}</td>", class(n), escape(cell)),
                };
            }
            text.push_str("</tr>");
        }
        text.push_str("</tbody></table></div>");
        self.push(&text)
    }

    pub fn figure(&mut self, svg: &str, caption: &str) -> &mut Self {
        self.push(&format!("<figure>{svg}<figcaption>{}</figcaption></figure>", escape(caption)))
    }

    /// A player with the audio inside the page.
    pub fn audio(&mut self, label: &str, data_uri: &str) -> &mut Self {
        self.media = true;
        self.push(&format!(
            "<audio controls preload=\"metadata\" aria-label=\"{}\" src=\"{data_uri}\"></audio>",
            escape(label)
        ))
    }

    /// The whole page. Its policy lets a browser load nothing, run nothing and send nothing.
    pub fn html(&self, language: &str) -> String {
        let media = if self.media { "; media-src data:" } else { "" };
        format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:{media}\">\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<a \
             class=\"skip\" href=\"#main\">To the report</a>\n<main id=\"main\">\n<h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
            self.body,
            title = escape(&self.title),
        )
    }
}

/// Text that is markup nowhere. Control characters, which a file's name may hold, become their picture.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
