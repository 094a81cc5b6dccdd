#!/bin/sh
# Copy the five best photos of each drawing in a folder to FOUND/<name of the drawing>/.
#
#     sh examples/find_photos.sh PHOTOS DRAWINGS FOUND
#
# The gallery is kept in FOUND, so a second call embeds new photos only.
set -eu
photos=$1 drawings=$2 found=$3

mkdir -p "$found"
# 3: done, but some files could not be read; they are named on stderr
sbir embed-gallery "$photos" -o "$found/photos.faiss" || [ $? -eq 3 ]
for drawing in "$drawings"/*; do
    name=$(basename "$drawing")
    mkdir -p "$found/${name%.*}"
    sbir query "$drawing" -i "$found/photos.faiss" --top 5 --print0 --quiet |
        xargs -0 -I{} cp -- {} "$found/${name%.*}/"
done
