// Tones without any file. Browsers keep silent until somebody touches the page: until then a banner says so.

let context = null;

function ready() {
  context ??= new AudioContext();
  return context.state === "running";
}

export function unlockSound(banner) {
  const look = () => {
    banner.hidden = ready();
  };
  const unlock = () => {
    ready();
    context.resume().then(look, look);
  };
  look();
  context.addEventListener("statechange", look);
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, unlock);
  context.resume().then(look, look); // a kiosk that was told to allow sound needs no touch
}

function tones(notes, loudness) {
  if (!ready()) return;
  let at = context.currentTime;
  for (const [hertz, seconds] of notes) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(loudness, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}

export const chime = () => tones([[660, 0.18], [880, 0.3]], 0.2);
export const alarm = () => tones([[880, 0.18], [660, 0.18], [880, 0.18], [660, 0.35]], 0.45);
export const call = () => tones([[990, 0.12], [990, 0.12], [990, 0.12], [740, 0.5]], 0.5);
