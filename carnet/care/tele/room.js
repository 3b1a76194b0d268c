// SPDX-License-Identifier: EUPL-1.2
// A teleconsultation in the browser: asks for camera and microphone, finds the others by the signalling, and
// speaks to them directly. data-* of #room: address of the socket, ticket, and relays (JSON, none unless set).
"use strict";

const place = document.getElementById("room");
const order = ["professional", "patient", "carer"];
const peers = new Map(); // seat -> {coming, link}
let socket, mine, media;

const say = (said) => socket.send(JSON.stringify(said));

function show(seat, stream) {
  let video = document.getElementById(`video-${seat}`);
  if (!video) {
    video = document.createElement("video");
    video.id = `video-${seat}`;
    video.autoplay = video.playsInline = true;
    place.append(video);
  }
  video.srcObject = stream;
}

function leave(seat) {
  peers.get(seat)?.link.close();
  peers.delete(seat);
  document.getElementById(`video-${seat}`)?.remove();
}

function meet(seat, coming) {
  leave(seat);
  const link = new RTCPeerConnection({ iceServers: JSON.parse(place.dataset.relays || "[]") });
  peers.set(seat, { coming, link });
  media.getTracks().forEach((track) => link.addTrack(track, media));
  link.ontrack = (event) => show(seat, event.streams[0]);
  link.onicecandidate = ({ candidate }) =>
    candidate && say({ type: "signal", seat, data: { from: mine, to: coming, candidate } });
  if (order.indexOf(mine.seat) < order.indexOf(seat)) {
    link.onnegotiationneeded = async () => {
      await link.setLocalDescription();
      say({ type: "signal", seat, data: { from: mine, to: coming, description: link.localDescription } });
    };
  }
  return link;
}

// Of the two comings it was made between alone: what an older connection said is late.
async function hear(seat, data) {
  const peer = peers.get(seat);
  if (!peer || data.to !== mine.coming || data.from.coming !== peer.coming) return;
  if (data.candidate) await peer.link.addIceCandidate(data.candidate);
  if (!data.description) return;
  await peer.link.setRemoteDescription(data.description);
  if (data.description.type === "offer") {
    await peer.link.setLocalDescription();
    say({ type: "signal", seat, data: { from: mine, to: peer.coming, description: peer.link.localDescription } });
  }
}

function inside(said) {
  mine = { seat: said.seat, coming: said.coming };
  for (const seat of [...peers.keys()]) if (!(seat in said.here)) leave(seat);
  for (const [seat, coming] of Object.entries(said.here)) {
    if (seat !== mine.seat && peers.get(seat)?.coming !== coming) meet(seat, coming);
  }
  for (const button of document.querySelectorAll("[data-admit]")) {
    button.hidden = !said.waiting.includes(button.dataset.admit);
    button.onclick = () => say({ type: "admit", seat: button.dataset.admit });
  }
}

let turn = Promise.resolve(); // one message after the other

async function begin() {
  media = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  socket = new WebSocket(place.dataset.socket);
  socket.onopen = () => say({ ticket: place.dataset.ticket });
  socket.onclose = (event) => {
    place.dataset.state = `closed-${event.code}`;
    for (const seat of [...peers.keys()]) leave(seat);
    media.getTracks().forEach((track) => track.stop());
  };
  socket.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.type === "signal") {
      turn = turn.then(() => hear(said.from, said.data)).catch(() => {});
      return;
    }
    place.dataset.state = said.type;
    if (said.type === "inside") turn = turn.then(() => inside(said));
  };
}

begin().catch((error) => { place.dataset.state = `without-${error.name}`; });
