#include "daemon/sealed_ids.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>
#include <memory>

#include "rules/model/check.h"

namespace tocsin::daemon {
namespace {

constexpr std::string_view kMeta = "sealed_ids_key";  // part of the persistent format

using Block = std::array<uint8_t, 16>;
static_assert(sizeof(Hash128) == sizeof(Block));

// Big-endian, as the hex digits are read: part of the persistent format.
Block to_block(Hash128 hash) {
  Block block;
  for (size_t i = 0; i < 8; ++i) {
    block[i] = static_cast<uint8_t>(hash.high >> (56 - 8 * i));
    block[8 + i] = static_cast<uint8_t>(hash.low >> (56 - 8 * i));
  }
  return block;
}

Hash128 from_block(const Block& block) {
  Hash128 hash;
  for (size_t i = 0; i < 8; ++i) {
    hash.high = hash.high << 8 | block[i];
    hash.low = hash.low << 8 | block[8 + i];
  }
  return hash;
}

Block cipher(const Block& key, const Block& in, bool encrypt) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Block out;
  int written = 0;
  // One block under a key that is used for nothing else: the plain mode is the right one here.
  TOCSIN_CHECK(context && EVP_CipherInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, key.data(),
                                            nullptr, encrypt ? 1 : 0) == 1);
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  TOCSIN_CHECK(EVP_CipherUpdate(context.get(), out.data(), &written, in.data(),
                                static_cast<int>(in.size())) == 1 &&
               written == static_cast<int>(out.size()));
  return out;
}

}  // namespace

SealedIds::SealedIds() {
  // Without randomness there is no secret, and a guessed one is worse than a stop.
  TOCSIN_CHECK(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1);
}

Result<SealedIds> SealedIds::of(storage::Store& store) {
  SealedIds ids;
  const auto kept = store.meta(kMeta);
  if (!kept) return kept.error();
  if (kept->has_value()) {
    Hash128 key;
    if (!from_hex(**kept, key)) {
      return Error{ErrorCode::kCorrupt, "read the key of withheld ids: it is not 32 hex digits"};
    }
    ids.key_ = to_block(key);
    return ids;
  }
  if (Status status = store.put_meta(kMeta, to_hex(from_block(ids.key_))); !status) {
    return status.error();
  }
  return ids;
}

Hash128 SealedIds::seal(Hash128 alert) const {
  return from_block(cipher(key_, to_block(alert), /*encrypt=*/true));
}

Hash128 SealedIds::unseal(Hash128 id) const {
  return from_block(cipher(key_, to_block(id), /*encrypt=*/false));
}

}  // namespace tocsin::daemon
