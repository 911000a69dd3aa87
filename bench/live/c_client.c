/*
 * The floor: a microphone to a WebSocket with nothing else in between. It reads
 * one chunk at a time, and sends it as input_audio_buffer.append. It does not
 * look at the signal, read what it is answered, or survive a fault.
 *
 *   c_client PORT PATH CHUNK_FRAMES
 */
#include <alsa/asoundlib.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RATE = 24000,
	MIN_BUFFER_FRAMES = RATE / 2,
	/* Of a frame that the bench's sizes of chunks need. */
	MAX_CHUNK_FRAMES = RATE,
	MAX_MESSAGE_BYTES = MAX_CHUNK_FRAMES * 2 / 3 * 4 + 256,
	HEADER_BYTES = 14,
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static long check(const char *call, long result)
{
	if (result < 0)
		fail(call, snd_strerror(result));
	return result;
}

static size_t base64(const uint8_t *bytes, size_t count, char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = text;
	for (; count >= 3; count -= 3, bytes += 3) {
		uint32_t group = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = digits[group >> 6 & 63];
		*at++ = digits[group & 63];
	}
	if (count > 0) {
		uint32_t group = bytes[0] << 16 | (count > 1 ? bytes[1] << 8 : 0);
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = count > 1 ? digits[group >> 6 & 63] : '=';
		*at++ = '=';
	}
	return at - text;
}

static void write_all(int socket, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(socket, bytes, count);
		if (written < 0)
			fail("write", strerror(errno));
		bytes += written;
		count -= written;
	}
}

/*
 * Sends a text frame (RFC 6455, 5.2), whose text has HEADER_BYTES of room before
 * it. A client must mask.
 */
static void send_text(int socket, char *text, size_t count)
{
	uint32_t mask = (uint32_t)random();
	size_t header_bytes = count < 126 ? 6 : count < 65536 ? 8 : 14;
	unsigned char *header = (unsigned char *)text - header_bytes;
	unsigned char *at = header;
	*at++ = 0x81;
	if (count < 126) {
		*at++ = 0x80 | count;
	} else {
		int length_bytes = count < 65536 ? 2 : 8;
		*at++ = 0x80 | (length_bytes == 2 ? 126 : 127);
		while (length_bytes-- > 0)
			*at++ = (uint64_t)count >> 8 * length_bytes;
	}
	memcpy(at, &mask, sizeof(mask));
	for (size_t i = 0; i < count; i++)
		text[i] ^= ((unsigned char *)&mask)[i % 4];
	write_all(socket, (char *)header, header_bytes + count);
}

static int connect_to(int port, const char *path)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("connect", strerror(errno));
	int yes = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	char text[1024];
	int count = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, port);
	write_all(fd, text, count);
	count = read(fd, text, sizeof(text) - 1);
	if (count < 12 || memcmp(text, "HTTP/1.1 101", 12) != 0)
		fail("handshake", "the server refused");
	return fd;
}

static snd_pcm_t *open_microphone(snd_pcm_uframes_t chunk_frames)
{
	snd_pcm_t *pcm;
	snd_pcm_hw_params_t *hw;
	snd_pcm_sw_params_t *sw;
	snd_pcm_uframes_t period_frames = chunk_frames;
	snd_pcm_uframes_t buffer_frames = 4 * chunk_frames;
	if (buffer_frames < MIN_BUFFER_FRAMES)
		buffer_frames = MIN_BUFFER_FRAMES;
	check("snd_pcm_open", snd_pcm_open(&pcm, "default", SND_PCM_STREAM_CAPTURE, 0));
	snd_pcm_hw_params_alloca(&hw);
	check("snd_pcm_hw_params_any", snd_pcm_hw_params_any(pcm, hw));
	check("set_access", snd_pcm_hw_params_set_access(pcm, hw, SND_PCM_ACCESS_RW_INTERLEAVED));
	check("set_format", snd_pcm_hw_params_set_format(pcm, hw, SND_PCM_FORMAT_S16_LE));
	check("set_channels", snd_pcm_hw_params_set_channels(pcm, hw, 1));
	check("set_rate", snd_pcm_hw_params_set_rate(pcm, hw, RATE, 0));
	check("set_period_size", snd_pcm_hw_params_set_period_size_near(pcm, hw, &period_frames, NULL));
	check("set_buffer_size", snd_pcm_hw_params_set_buffer_size_near(pcm, hw, &buffer_frames));
	check("snd_pcm_hw_params", snd_pcm_hw_params(pcm, hw));
	snd_pcm_sw_params_alloca(&sw);
	check("snd_pcm_sw_params_current", snd_pcm_sw_params_current(pcm, sw));
	check("set_start_threshold", snd_pcm_sw_params_set_start_threshold(pcm, sw, 1));
	check("set_avail_min", snd_pcm_sw_params_set_avail_min(pcm, sw, period_frames));
	check("snd_pcm_sw_params", snd_pcm_sw_params(pcm, sw));
	check("snd_pcm_start", snd_pcm_start(pcm));
	return pcm;
}

int main(int count, char **arguments)
{
	if (count != 4)
		fail("usage", "c_client PORT PATH CHUNK_FRAMES");
	snd_pcm_uframes_t chunk_frames = atoi(arguments[3]);
	if (chunk_frames < 1 || chunk_frames > MAX_CHUNK_FRAMES)
		fail("CHUNK_FRAMES", "out of range");
	static char message[HEADER_BYTES + MAX_MESSAGE_BYTES];
	static int16_t samples[MAX_CHUNK_FRAMES];
	char *text = message + HEADER_BYTES;
	int fd = connect_to(atoi(arguments[1]), arguments[2]);
	send_text(fd, text, sprintf(text, "{\"type\":\"session.update\",\"session\":{}}"));
	snd_pcm_t *pcm = open_microphone(chunk_frames);
	for (;;) {
		snd_pcm_uframes_t frames = 0;
		while (frames < chunk_frames) {
			long got = snd_pcm_wait(pcm, -1);
			if (got >= 0)
				got = snd_pcm_readi(pcm, samples + frames, chunk_frames - frames);
			if (got == -EPIPE) {
				check("snd_pcm_prepare", snd_pcm_prepare(pcm));
				check("snd_pcm_start", snd_pcm_start(pcm));
				continue;
			}
			frames += check("snd_pcm_readi", got);
		}
		char *at = text + sprintf(text, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
		at += base64((uint8_t *)samples, frames * sizeof(*samples), at);
		at += sprintf(at, "\"}");
		send_text(fd, text, at - text);
	}
}
