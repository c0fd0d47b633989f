import fs from "node:fs";
import path from "node:path";
import { replaceLink } from "./linkFolder";
import { unpackedPackages } from "./pins";

/**
 * Debian's Alertmanager reads its templates where its package would have put them, and doesn't start without: links
 * stand there to those that were unpacked, unless the package is installed or the binary is another one.
 */
export function placeTemplates(alertmanager: string): void {
  for (const file of unpackedPackages.alertmanager.files) {
    const unpacked = path.join(path.dirname(alertmanager), path.basename(file));
    const place = path.join("/", file);
    if (!fs.existsSync(unpacked) || fs.existsSync(place)) continue;
    fs.mkdirSync(path.dirname(place), { recursive: true });
    replaceLink(place, unpacked);
  }
}
