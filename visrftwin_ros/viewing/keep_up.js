// Rerun does not take a stream of data up again that broke: the page loads itself anew, once it can be had.
// And it says where the browser is too slow to follow.
{
  const gl = document.createElement("canvas").getContext("webgl2");
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  if (names && gl.getParameter(names.UNMASKED_RENDERER_WEBGL).includes("SwiftShader")) {
    addEventListener("load", () => {
      const note = document.createElement("div");
      note.textContent =
        "No GPU: this browser draws with SwiftShader, and the page falls behind live. With Mesa it " +
        "follows: chromium --use-gl=angle --use-angle=gl-egl --ignore-gpu-blocklist (click to close)";
      note.style =
        "position: fixed; top: 0; left: 20%; right: 15%; z-index: 1; padding: 3px 8px; " +
        "font: 12px sans-serif; color: #0a0a0f; background: #ffd75e; cursor: pointer";
      note.onclick = () => note.remove();
      document.body.append(note);
    });
  }

  const fetched = window.fetch.bind(window);
  let lost = false;

  const loadAnew = async () => {
    if (lost) return;
    lost = true;
    for (;;) {
      await new Promise((done) => setTimeout(done, 1000));
      try {
        if ((await fetched(location.href, { cache: "no-store" })).ok) break;
      } catch {
        // not there yet
      }
    }
    location.reload();
  };

  window.fetch = async (...asked) => {
    const url = asked[0] instanceof Request ? asked[0].url : String(asked[0]);
    if (!url.endsWith("/ReadMessages")) return fetched(...asked);
    const answer = await fetched(...asked).catch((error) => {
      loadAnew();
      throw error;
    });
    const reader = answer.body.getReader();
    const body = new ReadableStream({
      async pull(into) {
        try {
          const { done, value } = await reader.read();
          if (!done) return into.enqueue(value);
          into.close();
        } catch (error) {
          into.error(error);
        }
        loadAnew();
      },
      cancel: (why) => reader.cancel(why),
    });
    return new Response(body, { status: answer.status, headers: answer.headers });
  };
}
