//! Pictures made for a test, sent as clients send them, and looked at afterwards.

use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::Method;
use serde_json::{Value, json};

use super::http::{Reply, client, send};
use super::{Person, TestApp};

/// A file's fields.
pub const FILE: &str = "{ id url thumbnailUrl width height fileName contentType sizeBytes createdAt }";

/// Something to send: a name, a type, and bytes.
#[derive(Clone, Debug)]
pub struct FilePart {
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Something to send, of a type that says nothing.
pub fn file_part(name: &'static str, bytes: impl Into<Vec<u8>>) -> FilePart {
    FilePart { name, content_type: "application/octet-stream", bytes: bytes.into() }
}

/// The four corners of every test picture: red, green, blue and white, from the top left to the bottom right.
pub const CORNERS: [[u8; 3]; 4] = [[250, 10, 10], [10, 250, 10], [10, 10, 250], [245, 245, 245]];

/// A picture of four corners, in red, green and blue.
pub fn corners(width: u32, height: u32) -> Vec<u8> {
    let corner = |x: u32, y: u32| CORNERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)];
    (0..height).flat_map(|y| (0..width).flat_map(move |x| corner(x, y))).collect()
}

/// A JPEG, held as EXIF counts, with words that must not be stored.
pub fn jpeg(width: u16, height: u16, orientation: u8, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    encoder.add_exif_metadata(&exif(orientation)).unwrap();
    encoder.encode(&corners(width.into(), height.into()), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// An EXIF block with an orientation and a description.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    block.extend_from_slice(&[1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    block.extend_from_slice(&[1, 0x0e, 0, 2, 0, 0, 0, 12, 0, 0, 0, 0x26, 0, 0, 0, 0]);
    block.extend_from_slice(b"SECRET PLACE");
    block
}

/// A PNG of a colour type, with a text that must not be stored.
pub fn png(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_text_chunk("Comment".into(), "SECRET PLACE".into()).unwrap();
    if colour == png::ColorType::Indexed {
        encoder.set_palette(CORNERS.concat());
        encoder.set_trns(vec![255, 255, 255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

/// A PNG of four corners.
pub fn rgb_png(width: u32, height: u32) -> Vec<u8> {
    png(width, height, png::ColorType::Rgb, png::BitDepth::Eight, &corners(width, height))
}

/// A chunk of a PNG.
pub fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut checked = kind.to_vec();
    checked.extend_from_slice(body);
    let crc = checked.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &checked, &(!crc).to_be_bytes()].concat()
}

/// A PNG that says it is so large, with next to nothing in it.
pub fn empty_png(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", &[0; 64]), chunk(*b"IEND", &[])].concat()
}

/// A lossless WebP of four corners.
pub fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.encode(&corners(width, height), width, height, image_webp::ColorType::Rgb8).unwrap();
    bytes
}

/// A GIF of frames that fill its canvas, one colour each, with a comment that must not be stored.
pub fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &CORNERS.concat()).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    encoder.write_raw_extension(gif::Extension::Comment.into(), &[b"SECRET PLACE"]).unwrap();
    let area = usize::from(width) * usize::from(height);
    for n in 0..frames {
        let colour = u8::try_from(n % 4).unwrap();
        let mut frame = gif::Frame::from_indexed_pixels(width, height, vec![colour; area], None);
        frame.delay = 7;
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

/// A PDF of so many bytes, all different from another's.
pub fn pdf(size: usize, n: usize) -> Vec<u8> {
    let end = b"\nstartxref\n9\n%%EOF\n";
    let mut bytes = format!("%PDF-1.7 {n} ").into_bytes();
    bytes.resize(size - end.len(), b'x');
    [&bytes, end.as_slice()].concat()
}

/// An AMR of one frame.
pub fn amr() -> Vec<u8> {
    [b"#!AMR\n\x3c".as_slice(), &[1; 31]].concat()
}

/// A decoded picture.
pub struct DecodedPicture {
    pub width: u32,
    pub height: u32,
    pub channels: usize,
    pub pixels: Vec<u8>,
}

impl DecodedPicture {
    /// Decodes a PNG or a JPEG.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"\x89PNG") {
            let mut decoder = png::Decoder::new(Cursor::new(bytes));
            decoder.set_transformations(png::Transformations::normalize_to_color8());
            let mut reader = decoder.read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            return Self { width: info.width, height: info.height, channels: info.color_type.samples(), pixels };
        }
        let mut decoder = zune_jpeg::JpegDecoder::new(Cursor::new(bytes));
        let pixels = decoder.decode().unwrap();
        let (width, height) = decoder.dimensions().unwrap();
        let channels = pixels.len() / (width * height);
        Self { width: u32::try_from(width).unwrap(), height: u32::try_from(height).unwrap(), channels, pixels }
    }

    /// Which of the test colours stands in each corner: 0 to 3, as in a picture that stands upright.
    pub fn corners(&self) -> [usize; 4] {
        let at = |across: u32, down: u32| {
            let place = ((self.height * down / 4) * self.width + self.width * across / 4) as usize * self.channels;
            let pixel = &self.pixels[place..place + 3];
            let distance =
                |corner: &[u8; 3]| -> u32 { corner.iter().zip(pixel).map(|(a, b)| u32::from(a.abs_diff(*b))).sum() };
            (0..4).min_by_key(|n| distance(&CORNERS[*n])).unwrap()
        };
        [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]
    }
}

/// The body of a multipart request, and its boundary.
fn multipart(document: &str, variables: &Value, files: &[FilePart]) -> Vec<u8> {
    let many = variables.get("files").is_some();
    let place = |n: usize| if many { format!("variables.files.{n}") } else { "variables.file".to_owned() };
    let map: serde_json::Map<String, Value> = (0..files.len()).map(|n| (n.to_string(), json!([place(n)]))).collect();
    let mut body = Vec::new();
    let mut part = |head: String, content: &[u8]| {
        body.extend_from_slice(format!("--xx\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    let operations = json!({ "query": document, "variables": variables }).to_string();
    part("name=\"operations\"".into(), operations.as_bytes());
    part("name=\"map\"".into(), Value::Object(map).to_string().as_bytes());
    for (n, file) in files.iter().enumerate() {
        let head = format!("name=\"{n}\"; filename=\"{}\"\r\nContent-Type: {}", file.name, file.content_type);
        part(head, &file.bytes);
    }
    body.extend_from_slice(b"--xx--\r\n");
    body
}

/// All files in folders and the folders in them.
pub fn files_below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), folders.to_vec());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// Where a path of this very server leads, given its public address or another.
pub fn path_of(url: &str) -> String {
    url.parse::<reqwest::Url>().unwrap().path().to_owned()
}

/// Sends files with an operation that has other variables as well.
pub async fn send_files_with(
    address: SocketAddr,
    token: Option<&str>,
    operation: (&str, Value),
    files: &[FilePart],
) -> Reply {
    let token = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
    send_files_under(address, &headers, operation, files).await
}

async fn send_files_under(
    address: SocketAddr,
    more: &[(&str, &str)],
    (document, mut variables): (&str, Value),
    files: &[FilePart],
) -> Reply {
    if document.contains("$files") {
        variables["files"] = json!(vec![Value::Null; files.len()]);
    } else {
        variables["file"] = Value::Null;
    }
    let body = multipart(document, &variables, files);
    let mut headers = vec![("content-type", "multipart/form-data; boundary=xx"), ("graphql-require-preflight", "1")];
    headers.extend_from_slice(more);
    send(address, Method::POST, "/graphql", &headers, body).await
}

impl Person {
    /// Sends files with a mutation that takes `$file` or `$files`.
    pub async fn send_files(&self, document: &str, files: &[FilePart]) -> Reply {
        self.send_files_with(document, json!({}), files).await
    }

    /// Sends files with an operation that has other variables as well.
    pub async fn send_files_with(&self, document: &str, variables: Value, files: &[FilePart]) -> Reply {
        send_files_with(self.address, Some(&self.token), (document, variables), files).await
    }

    /// Sends files through a proxy that says where they come from.
    pub async fn send_files_from(&self, ip: &str, document: &str, files: &[FilePart]) -> Reply {
        let token = format!("Bearer {}", self.token);
        let headers = [("authorization", token.as_str()), ("x-forwarded-for", ip)];
        send_files_under(self.address, &headers, (document, json!({})), files).await
    }

    /// Uploads a file and returns the payload.
    pub async fn upload(&self, file: FilePart) -> Value {
        let document = format!(
            "mutation ($file: Upload!) {{ uploadFile(file: $file) {{ media {FILE} userErrors {{ code field message }} }} }}"
        );
        let reply = self.send_files(&document, &[file]).await;
        let answer = reply.json();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["uploadFile"].clone()
    }

    /// Uploads a file that is taken, and returns it.
    pub async fn upload_media(&self, file: FilePart) -> Value {
        let payload = self.upload(file).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["media"].clone()
    }

    /// Deletes a file and returns the payload.
    pub async fn delete_file(&self, id: &Value) -> Value {
        let document = "mutation ($id: ID!) { deleteFile(id: $id) { deletedId userErrors { code field } } }";
        self.data(document, json!({ "id": id })).await["deleteFile"].clone()
    }
}

impl TestApp {
    /// Fetches what is found at a url of Plaza's, on this very instance.
    pub async fn fetch(&self, url: &Value) -> (u16, Vec<u8>) {
        let path = path_of(url.as_str().expect("a url"));
        let response = client().get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }

    /// The files in the storage's folder and among the temporary ones.
    pub fn stored(&self) -> Vec<PathBuf> {
        let folder = &self.app.config.data_dir;
        files_below(&[folder.join("media"), folder.join("tmp")])
    }
}
