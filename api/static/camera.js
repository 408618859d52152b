// A camera reads codes into the field for shots; what reads its pictures is loaded when somebody asks.
const words = JSON.parse(document.getElementById("words").content.textContent);
const field = document.querySelector("#scan, #q[data-scan]");
const OPTIONS = { formats: ["DataMatrix", "QRCode", "Code128"], textMode: "Plain", tryHarder: true, maxNumberOfSymbols: 4 };
//: how long a code has to be out of the picture before it counts again
const AWAY = 1500;

let target = field;
document.addEventListener("focusin", ({ target: found }) => { if (found.dataset && "scan" in found.dataset) target = found; });

function put(text) {
  if (target.id === "scan") dispatchEvent(new CustomEvent("scanned", { detail: text }));
  else {
    target.value = text;
    if (target.form.method === "get") target.form.requestSubmit();
  }
}

let reader;
function load() {
  reader ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: words.files.reader, onerror: reject });
    script.onload = () => resolve(ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => words.files.wasm }, fireImmediately: true }).then(() => ZXingWASM));
    document.head.append(script);
  });
  return reader;
}

// GS1's symbols say so before their text, as scanners do; their separators stay.
const textOf = ({ contentType, symbologyIdentifier, text }) => (contentType === "GS1" ? symbologyIdentifier : "") + text;

if (field) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "secondary camera", textContent: words.camera });
  const told = Object.assign(document.createElement("p"), { className: "note plain", role: "status", hidden: true });
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, hidden: true, className: "camera" });
  field.closest(".of").after(button, told, video);
  let stream;

  const say = (text) => { told.hidden = !text; told.textContent = text; };

  function close(why = "") {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    button.textContent = words.camera;
    say(why);
  }

  async function open() {
    if (!navigator.mediaDevices) return say(words["no https"]);
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch (error) {
      return say(error.name === "NotAllowedError" ? words["no permission"] : words["no camera"]);
    }
    [video.srcObject, video.hidden, button.textContent] = [stream, false, words.close];
    say(words.looking);
    stream.getVideoTracks()[0].addEventListener("ended", () => close(words["no camera"]));
    try {
      await video.play();
      await look(await load());
    } catch { close(words["no reader"]); }
  }

  async function look(zxing) {
    const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext("2d", { willReadFrequently: true });
    const seen = new Map();
    for (const mine = stream; stream === mine && stream; await new Promise(requestAnimationFrame)) {
      if (!video.videoWidth) continue;
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      context.drawImage(video, 0, 0);
      const found = await zxing.readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height), OPTIONS);
      const texts = [...new Set(found.filter((each) => each.isValid).map(textOf))];
      if (texts.length > 1) say(words.several);
      else if (texts.length && performance.now() - (seen.get(texts[0]) ?? -AWAY) >= AWAY) {
        say(words.looking);
        put(texts[0]);
      }
      for (const text of texts) seen.set(text, performance.now());
    }
  }

  button.addEventListener("click", () => (stream ? close() : open()));
  addEventListener("pagehide", () => close());
}
