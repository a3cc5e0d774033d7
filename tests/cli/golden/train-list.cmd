vic-train --list-models
vic-train --list-models --width 0.5 --batch 7
"$TOOLS/mkstream" text 12 >text
vic-train --plan --filters 2,3 --maps 4 text
"$TOOLS/mkstream" images 12 >images
vic-train --plan -m resnet20 --width 0.1 images
